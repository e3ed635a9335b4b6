import { ReactionAdd, ReactionRemove } from '../../../protocol/reactions/events.ts'
import { type BoundCommand, on } from '../../contract/command.ts'
import { presentChanged } from '../../present/changed.ts'
import type { ReactionService } from './reactions.ts'

/** Commands of reactions. */
export function reactionCommands(reactions: ReactionService): BoundCommand[] {
  return [
    on(ReactionAdd, async ({ actor }, data) => presentChanged(await reactions.add(actor, data))),
    on(ReactionRemove, async ({ actor }, data) => presentChanged(await reactions.remove(actor, data)))
  ]
}
