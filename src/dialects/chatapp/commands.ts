import { Type } from '@sinclair/typebox'
import { ConversationId, MessageId } from '../../../protocol/ids.ts'
import type { Dispatcher } from '../../realtime/commands/dispatcher.ts'
import { createCommands } from '../kit/commands.ts'
import type { Services } from '../kit/services.ts'
import { startTyping } from '../kit/typing.ts'
import { NewMessage, send } from './content.ts'
import { presentMessage } from './present.ts'

/** Commands of its clients, each acknowledged. */
export function createCommandTable(services: Services): Dispatcher {
  const { receipts, typing } = services
  const place = Type.Object({ conversationId: ConversationId })
  return createCommands(on => {
    on('message:send', NewMessage, async (actor, data) => presentMessage(await send(services, actor, data), 'sent'))
    on('message:read', Type.Object({ messageId: MessageId }), async (actor, { messageId }) => {
      await receipts.markUpTo(actor, { readUpTo: messageId })
      return { success: true }
    })
    on('typing:start', place, async (actor, { conversationId }) => {
      await startTyping(services, actor, conversationId)
      return { success: true }
    })
    on('typing:stop', place, async (actor, { conversationId }) => {
      await typing.stop(actor, conversationId)
      return { success: true }
    })
  })
}
