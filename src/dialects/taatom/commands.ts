import { Type } from '@sinclair/typebox'
import { bareId, MessageId, UserId } from '../../../protocol/ids.ts'
import { ClientId, Text } from '../../../protocol/messages/entities.ts'
import type { Actor } from '../../actor.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Dispatcher } from '../../realtime/commands/dispatcher.ts'
import { createCommands } from '../kit/commands.ts'
import { sendToPerson } from '../kit/sending.ts'
import type { Services } from '../kit/services.ts'
import { presentMessage } from './present.ts'

/** Commands of its clients, each acknowledged. */
export function createCommandTable(services: Services): Dispatcher {
  const { conversations, receipts, typing } = services
  return createCommands(on => {
    const typed = async (actor: Actor, { to }: { to: string }) => {
      const id = await conversations.directId(actor, to)
      if (id !== undefined) await typing.start(actor, id)
      return {}
    }
    on('typing', Type.Object({ to: UserId }), typed, { isDroppable: true })
    on('seen', Type.Object({ to: Type.Optional(UserId), messageId: MessageId }), async (actor, { messageId }) => {
      await receipts.markUpTo(actor, { readUpTo: messageId })
      return { success: true }
    })
    on(
      'sendMessage',
      Type.Object({ to: UserId, text: Text, clientId: Type.Optional(ClientId) }),
      async (actor, { to, text, clientId }) => {
        const message = await sendToPerson(services, actor, to, omitUndefined({ text, clientId }))
        return { chatId: bareId(message.conversationId), message: presentMessage(message) }
      }
    )
  })
}
