import { Type } from '@sinclair/typebox'
import { UserId } from '../../../protocol/ids.ts'
import type { Actor } from '../../actor.ts'
import type { Dispatcher } from '../../realtime/commands/dispatcher.ts'
import { createCommands } from '../kit/commands.ts'
import { sendToPerson } from '../kit/sending.ts'
import type { Services } from '../kit/services.ts'
import { contentOf, NewMessage } from './content.ts'
import { presentMessage } from './present.ts'

/** Commands of its clients, each acknowledged. */
export function createCommandTable(services: Services): Dispatcher {
  const { conversations, typing } = services
  const recipient = Type.Object({ recipientId: UserId })
  return createCommands(on => {
    on('sendMessage', NewMessage, async (actor, data) => {
      const message = await sendToPerson(services, actor, data.recipientId, contentOf(data))
      return { success: true, message: presentMessage(message, data.recipientId, 'sent') }
    })
    const tell =
      (isTyping: boolean) =>
      async (actor: Actor, { recipientId }: { recipientId: string }) => {
        const id = await conversations.directId(actor, recipientId)
        if (id !== undefined) await (isTyping ? typing.start(actor, id) : typing.stop(actor, id))
        return { success: true }
      }
    on('typing', recipient, tell(true), { isDroppable: true })
    on('stopTyping', recipient, tell(false), { isDroppable: true })
  })
}
