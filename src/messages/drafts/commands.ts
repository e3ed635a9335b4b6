import { DraftDelete, DraftSave } from '../../../protocol/messages/drafts/events.ts'
import { type BoundCommand, on } from '../../contract/command.ts'
import type { DraftService } from './drafts.ts'

/** Commands of drafts. */
export function draftCommands(drafts: DraftService): BoundCommand[] {
  return [
    on(DraftSave, async ({ actor }, data) => await drafts.save(actor, data)),
    on(DraftDelete, async ({ actor }, data) => await drafts.delete(actor, data))
  ]
}
