import { Type } from '@sinclair/typebox'
import { ConversationId, MessageId } from '../../../protocol/ids.ts'
import type { Actor } from '../../actor.ts'
import type { Dispatcher } from '../../realtime/commands/dispatcher.ts'
import { createCommands } from '../kit/commands.ts'
import type { Services } from '../kit/services.ts'
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
    const tell =
      (isTyping: boolean) =>
      async (actor: Actor, { conversationId }: { conversationId: string }) => {
        await (isTyping ? typing.start(actor, conversationId) : typing.stop(actor, conversationId))
        return { success: true }
      }
    on('typing:start', place, tell(true), { isDroppable: true })
    on('typing:stop', place, tell(false), { isDroppable: true })
  })
}
