import { AddReaction, RemoveReaction } from '../../../protocol/reactions/routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import { presentChanged } from '../../present/changed.ts'
import type { ReactionService } from './reactions.ts'

/** Routes of reactions. */
export function reactionRoutes(reactions: ReactionService): BoundRoute[] {
  return [
    route(AddReaction, async ({ actor, params, body }) =>
      presentChanged(await reactions.add(actor, { ...params, ...body }))
    ),
    route(RemoveReaction, async ({ actor, params }) => presentChanged(await reactions.remove(actor, params)))
  ]
}
