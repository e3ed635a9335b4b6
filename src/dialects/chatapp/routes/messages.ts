import { Type } from '@sinclair/typebox'
import { ConversationId, MessageId } from '../../../../protocol/ids.ts'
import type { Message } from '../../../../protocol/messages/entities.ts'
import { Emoji } from '../../../../protocol/reactions/entities.ts'
import { oneOf } from '../../../../protocol/schema.ts'
import type { Actor } from '../../../actor.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import { historyQuery, placeOf } from '../../kit/paging.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { NewMessage, send } from '../content.ts'
import { presentMessage, presentMessages } from '../present.ts'

const params = Type.Object({ id: MessageId })

/** Document 2, messages. */
export function messageRoutes(services: Services): DialectRoute[] {
  return [...talkRoutes(services), ...reactionRoutes(services), deletionRoute(services)]
}

function talkRoutes(services: Services): DialectRoute[] {
  const { conversations, history, receipts, details } = services
  return [
    dialectRoute(
      'POST /api/messages',
      {
        summary: 'Send into a conversation, or to a person',
        answer: answers.Message,
        isSend: true,
        body: NewMessage,
        status: 201
      },
      async ({ actor, body }) => presentMessage(await send(services, actor, body), 'sent')
    ),
    dialectRoute(
      'GET /api/messages/:id',
      {
        summary: 'The messages of a conversation; what is answered counts as read',
        isChanging: true,
        answer: answers.MessageList,
        params: Type.Object({ id: ConversationId }),
        query: Type.Object(historyQuery)
      },
      async ({ actor, params: { id }, query }) => {
        const { messages } = await history.page(actor, { conversationId: id, ...placeOf(query) })
        const newest = messages.at(-1)
        if (newest !== undefined) await receipts.mark(actor, id, { readSeq: newest.seq })
        const [summary] = await details.findAll(actor, [await conversations.get(actor, id)])
        return presentMessages(messages, summary?.participants ?? [])
      }
    )
  ]
}

function reactionRoutes(services: Services): DialectRoute[] {
  const { messages, reactions } = services
  return [
    dialectRoute(
      'POST /api/messages/:id/reactions',
      { summary: 'React', answer: answers.Message, params, body: Type.Object({ emoji: Emoji }) },
      async ({ actor, params: { id }, body: { emoji } }) => {
        const message = await reactions.add(actor, { ...(await messages.locate(actor, id)), emoji })
        return await presentChanged(services, actor, message)
      }
    ),
    dialectRoute(
      'DELETE /api/messages/:id/reactions/:emoji',
      {
        summary: 'Take a reaction back',
        answer: answers.Message,
        params: Type.Object({ id: MessageId, emoji: Emoji })
      },
      async ({ actor, params: { id, emoji } }) => {
        const message = await reactions.remove(actor, { ...(await messages.locate(actor, id)), emoji })
        return await presentChanged(services, actor, message)
      }
    )
  ]
}

function deletionRoute(services: Services): DialectRoute {
  const { messages } = services
  return dialectRoute(
    'DELETE /api/messages/:id',
    {
      summary: 'Delete for everyone, or with `scope=me` for oneself',
      answer: answers.Deletion,
      params,
      query: Type.Object({ scope: Type.Optional(oneOf('everyone', 'me')) })
    },
    async ({ actor, params: { id }, query: { scope = 'everyone' } }) => {
      const place = await messages.locate(actor, id)
      if (scope === 'me') {
        await messages.hide(actor, place)
        return { success: true, ...place }
      }
      const tombstone = await messages.deleteForEveryone(actor, place)
      return { success: true, ...(await presentChanged(services, actor, tombstone)) }
    }
  )
}

async function presentChanged({ conversations, details }: Services, actor: Actor, message: Message) {
  const [summary] = await details.findAll(actor, [await conversations.get(actor, message.conversationId)])
  const [presented] = presentMessages([message], summary?.participants ?? [])
  if (presented === undefined) throw new Error('One message was to be presented')
  return presented
}
