import { type Static, Type } from '@sinclair/typebox'
import { bareId, ConversationId, MessageId } from '../../../protocol/ids.ts'
import { content, Text } from '../../../protocol/messages/entities.ts'
import { Emoji } from '../../../protocol/reactions/entities.ts'
import type { Actor } from '../../actor.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Dispatcher } from '../../realtime/commands/dispatcher.ts'
import { createCommands, type On } from '../kit/commands.ts'
import { sendMessage } from '../kit/sending.ts'
import type { Services } from '../kit/services.ts'
import { contentOf, Send } from './content.ts'
import { answer } from './present/answer.ts'
import { presentMessage } from './present/message.ts'

const Place = Type.Object({ messageId: MessageId })
const Everyone = Type.Union([Type.Literal('everyone'), Type.Literal('me')])

/** Document 0, "WebSocket Events": what the app says. Each is acknowledged with what became of it. */
export function createCommandTable(services: Services): Dispatcher {
  return createCommands(on => {
    messageCommands(on, services)
    reactionCommands(on, services)
    liveCommands(on, services)
  })
}

function messageCommands(on: On, services: Services): void {
  const { messages } = services
  on('message:send', Send, async (actor, { conversationId, ...said }) =>
    answer(presentMessage(await sendMessage(services, actor, conversationId, contentOf(said))))
  )
  on(
    'message:edit',
    Type.Object({ messageId: MessageId, content: Type.Optional(Text), encryptedContent: content.encryptedContent }),
    async (actor, { messageId, content: text, encryptedContent }) => {
      const place = await messages.locate(actor, messageId)
      const edit = omitUndefined({ text, encryptedContent })
      return answer(presentMessage(await messages.edit(actor, { ...place, ...edit })))
    }
  )
  on('message:delete', Type.Object({ messageId: MessageId, scope: Type.Optional(Everyone) }), async (actor, said) => {
    const place = await messages.locate(actor, said.messageId)
    if (said.scope === 'me') await messages.hide(actor, place)
    else await messages.deleteForEveryone(actor, place)
    return answer(bare(place))
  })
}

function reactionCommands(on: On, { messages, reactions }: Services): void {
  const data = Type.Object({ ...Place.properties, emoji: Emoji })
  const react =
    (change: 'add' | 'remove') =>
    async (actor: Actor, { messageId, emoji }: Static<typeof data>) => {
      const place = await messages.locate(actor, messageId)
      await reactions[change](actor, { ...place, emoji })
      return answer({ ...bare(place), userId: actor.userId, emoji })
    }
  on('message:reaction:add', data, react('add'))
  on('message:reaction:remove', data, react('remove'))
}

function liveCommands(on: On, { receipts, typing }: Services): void {
  const data = Type.Object({ conversationId: ConversationId })
  const tell =
    (isTyping: boolean) =>
    async (actor: Actor, { conversationId }: { conversationId: string }) => {
      await (isTyping ? typing.start(actor, conversationId) : typing.stop(actor, conversationId))
      return answer({ conversationId: bareId(conversationId) })
    }
  on('typing:start', data, tell(true), { isDroppable: true })
  on('typing:stop', data, tell(false), { isDroppable: true })
  const read = Type.Object({ ...data.properties, ...Place.properties })
  on('message:read', read, async (actor, { conversationId, messageId }) => {
    await receipts.markUpTo(actor, { conversationId, readUpTo: messageId })
    return answer(bare({ conversationId, messageId }))
  })
}

function bare({ conversationId, messageId }: { conversationId: string; messageId: string }) {
  return { conversationId: bareId(conversationId), messageId: bareId(messageId) }
}
