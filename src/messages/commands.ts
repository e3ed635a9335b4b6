import { HistoryGet, MessageDelete, MessageEdit, MessageSend } from '../../protocol/messages/events.ts'
import { type BoundCommand, on } from '../contract/command.ts'
import { presentChanged } from '../present/changed.ts'
import type { HistoryService } from './history.ts'
import type { MessageService } from './messages.ts'

interface MessageCommandDeps {
  readonly history: HistoryService
  readonly messages: MessageService
}

/** Commands of messages and history. */
export function messageCommands({ history, messages }: MessageCommandDeps): BoundCommand[] {
  return [
    on(MessageSend, async ({ actor }, data) => (await messages.send(actor, data)).sent),
    on(MessageEdit, async ({ actor }, data) => presentChanged(await messages.edit(actor, data))),
    on(MessageDelete, async ({ actor }, { scope, ...place }) =>
      scope === 'me'
        ? await messages.hide(actor, place)
        : presentChanged(await messages.deleteForEveryone(actor, place))
    ),
    on(HistoryGet, async ({ actor }, data) => await history.page(actor, data))
  ]
}
