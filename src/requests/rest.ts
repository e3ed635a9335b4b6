import * as contracts from '../../protocol/requests/routes.ts'
import { type BoundRoute, route } from '../contract/route.ts'
import type { RequestService } from './requests.ts'

/** Routes of requests to talk and to be friends. */
export function requestRoutes({ requests }: { readonly requests: RequestService }): BoundRoute[] {
  return [
    route(contracts.SendRequest, async ({ actor, body }) => await requests.send(actor, body)),
    route(contracts.ListRequests, async ({ actor, query }) => await requests.list(actor, query)),
    route(contracts.AcceptRequest, async ({ actor, params }) => await requests.accept(actor, params.requestId)),
    route(contracts.DeclineRequest, async ({ actor, params }) => await requests.decline(actor, params.requestId)),
    route(contracts.CancelRequest, async ({ actor, params }) => await requests.cancel(actor, params.requestId))
  ]
}
