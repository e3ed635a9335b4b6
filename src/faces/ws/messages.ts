import {
  HistoryGet,
  MessageDelete,
  MessageEdit,
  MessageSend,
  ReactionAdd,
  ReactionRemove
} from '../../../protocol/events/message.ts'
import type { Register } from '../../realtime/commands/dispatcher.ts'
import type { Services } from '../../services/index.ts'
import { presentChanged } from '../../transport/changed.ts'

/** Socket face of messages and reactions. */
export function messageCommands(on: Register, { history, messages, reactions }: Services): void {
  on(MessageSend, async ({ actor }, data) => (await messages.send(actor, data)).sent)
  on(MessageEdit, async ({ actor }, data) => presentChanged(await messages.edit(actor, data)))
  on(MessageDelete, async ({ actor }, { scope, ...place }) =>
    scope === 'me' ? await messages.hide(actor, place) : presentChanged(await messages.deleteForEveryone(actor, place))
  )
  on(ReactionAdd, async ({ actor }, data) => presentChanged(await reactions.add(actor, data)))
  on(ReactionRemove, async ({ actor }, data) => presentChanged(await reactions.remove(actor, data)))
  on(HistoryGet, async ({ actor }, data) => await history.page(actor, data))
}
