import { HistoryGet, MessageDelete, MessageEdit, MessageSend } from '../../protocol/messages/events.ts'
import { type BoundCommand, on } from '../contract/command.ts'
import { presentChanged } from '../present/changed.ts'
import { draftCommands } from './drafts/commands.ts'
import type { DraftService } from './drafts/drafts.ts'
import { expiryCommands } from './expiring/commands.ts'
import type { ExpiryService } from './expiring/expiry.ts'
import type { HistoryService } from './history.ts'
import type { MessageService } from './messages.ts'
import { scheduledCommands } from './scheduled/commands.ts'
import type { ScheduledService } from './scheduled/scheduled.ts'

interface MessageCommandDeps {
  readonly history: HistoryService
  readonly messages: MessageService
  readonly drafts: DraftService
  readonly expiry: ExpiryService
  readonly scheduled: ScheduledService
}

/** Commands of messages, history, drafts, scheduled messages and timers. */
export function messageCommands({ history, messages, drafts, expiry, scheduled }: MessageCommandDeps): BoundCommand[] {
  return [
    on(MessageSend, async ({ actor }, data) => (await messages.send(actor, data)).sent),
    on(MessageEdit, async ({ actor }, data) => presentChanged(await messages.edit(actor, data))),
    on(MessageDelete, async ({ actor }, { scope, ...place }) =>
      scope === 'me'
        ? await messages.hide(actor, place)
        : presentChanged(await messages.deleteForEveryone(actor, place))
    ),
    on(HistoryGet, async ({ actor }, data) => await history.page(actor, data)),
    ...draftCommands(drafts),
    ...scheduledCommands(scheduled),
    ...expiryCommands(expiry)
  ]
}
