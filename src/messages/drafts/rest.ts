import * as contracts from '../../../protocol/messages/drafts/routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import type { DraftService } from './drafts.ts'

/** Routes of drafts. */
export function draftRoutes(drafts: DraftService): BoundRoute[] {
  return [
    route(contracts.ListDrafts, async ({ actor, query }) => await drafts.list(actor, query)),
    route(contracts.GetDraft, async ({ actor, params }) => await drafts.get(actor, params.conversationId)),
    route(contracts.SaveDraft, async ({ actor, params, body }) => await drafts.save(actor, { ...params, ...body })),
    route(
      contracts.DeleteDraft,
      async ({ actor, params, query }) => await drafts.delete(actor, { ...params, ...query })
    )
  ]
}
