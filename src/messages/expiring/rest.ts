import { SetExpiry } from '../../../protocol/messages/expiring/routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import type { ExpiryService } from './expiry.ts'

/** Routes of timers. */
export function expiryRoutes(expiry: ExpiryService): BoundRoute[] {
  return [route(SetExpiry, async ({ actor, params, body }) => await expiry.set(actor, { ...params, ...body }))]
}
