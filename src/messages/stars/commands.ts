import { MessageStar, MessageUnstar } from '../../../protocol/stars/events.ts'
import { type BoundCommand, on } from '../../contract/command.ts'
import type { StarService } from './stars.ts'

/** Commands of stars. */
export function starCommands(stars: StarService): BoundCommand[] {
  return [
    on(MessageStar, async ({ actor }, data) => await stars.add(actor, data)),
    on(MessageUnstar, async ({ actor }, data) => await stars.remove(actor, data))
  ]
}
