import { ScheduledCancel, ScheduledChange, ScheduledCreate } from '../../../protocol/messages/scheduled/events.ts'
import { type BoundCommand, on } from '../../contract/command.ts'
import type { ScheduledService } from './scheduled.ts'

/** Commands of scheduled messages. */
export function scheduledCommands(scheduled: ScheduledService): BoundCommand[] {
  return [
    on(ScheduledCreate, async ({ actor }, data) => (await scheduled.create(actor, data)).message),
    on(ScheduledChange, async ({ actor }, data) => await scheduled.change(actor, data)),
    on(ScheduledCancel, async ({ actor }, { scheduledId }) => await scheduled.cancel(actor, scheduledId))
  ]
}
