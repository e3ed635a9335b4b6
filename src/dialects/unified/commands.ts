import { type Static, Type } from '@sinclair/typebox'
import { bareId, ConversationId, MessageId, UserId } from '../../../protocol/ids.ts'
import type { Actor } from '../../actor.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Dispatcher } from '../../realtime/commands/dispatcher.ts'
import { createCommands } from '../kit/commands.ts'
import { sendMessage } from '../kit/sending.ts'
import type { Services } from '../kit/services.ts'
import { contentOf, findPlace, NewMessage, openPlace } from './content.ts'
import { showMessage } from './present/message.ts'

const place = { conversationId: Type.Optional(ConversationId), conversation: Type.Optional(ConversationId) }
const mark = Type.Optional(MessageId)
const Typing = Type.Object({ ...place, to: Type.Optional(UserId), isTyping: Type.Optional(Type.Boolean()) })

/** Document 1, "Socket.IO Handlers": commands of its clients, each acknowledged. */
export function createCommandTable(services: Services): Dispatcher {
  const { typing } = services
  return createCommands(on => {
    for (const name of ['send-message', 'message']) {
      on(name, NewMessage, async (actor, data) => {
        const conversationId = await openPlace(services, actor, data)
        const message = await sendMessage(services, actor, conversationId, contentOf(data))
        return await showMessage(services, message)
      })
    }
    on('delivered', Type.Object({ ...place, deliveredUpTo: mark, messageId: mark }), async (actor, data) => {
      return await markUpTo(services, actor, data, { deliveredUpTo: data.deliveredUpTo ?? data.messageId })
    })
    on('read_up_to', Type.Object({ ...place, readUpTo: mark, messageId: mark }), async (actor, data) => {
      return await markUpTo(services, actor, data, { readUpTo: data.readUpTo ?? data.messageId })
    })
    const tell = async (actor: Actor, { isTyping = true, ...data }: Static<typeof Typing>) => {
      const id = await findPlace(services, actor, data)
      if (id !== undefined) await (isTyping ? typing.start(actor, id) : typing.stop(actor, id))
      return {}
    }
    on('typing', Typing, tell, { isDroppable: true })
    on('typing-stopped', Typing, async (actor, data) => await tell(actor, { ...data, isTyping: false }), {
      isDroppable: true
    })
  })
}

async function markUpTo(
  { receipts, messageIdAt }: Services,
  actor: Actor,
  { conversation, conversationId = conversation }: { conversation?: string; conversationId?: string },
  upTo: { deliveredUpTo?: string | undefined; readUpTo?: string | undefined }
) {
  const wanted = omitUndefined(upTo)
  const [name] = Object.keys(upTo)
  if (Object.keys(wanted).length === 0) throw new AppError('invalid', `${name} is missing: the id of a message`)
  const receipt = await receipts.markUpTo(actor, { ...wanted, ...omitUndefined({ conversationId }) })
  const id = bareId(receipt.conversationId)
  const [delivered, read] = await Promise.all([
    messageIdAt.find(id, receipt.deliveredSeq),
    messageIdAt.find(id, receipt.readSeq)
  ])
  return {
    conversationId: id,
    conversation: id,
    userId: actor.userId,
    deliveredUpTo: delivered === undefined ? null : bareId(delivered),
    readUpTo: read === undefined ? null : bareId(read)
  }
}
