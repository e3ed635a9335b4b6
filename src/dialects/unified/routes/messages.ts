import { type Static, Type } from '@sinclair/typebox'
import { bareId, ConversationId, MessageId, UserId } from '../../../../protocol/ids.ts'
import { Emoji } from '../../../../protocol/reactions/entities.ts'
import { oneOf } from '../../../../protocol/schema.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute, readingRoute } from '../../kit/dialect.ts'
import { historyQuery, limitOf } from '../../kit/paging.ts'
import { readMessages, type Said } from '../../kit/readings.ts'
import { sendMessage } from '../../kit/sending.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { contentOf, EditedMessage, editOf, NewMessage, openPlace } from '../content.ts'
import { answer, answerPage } from '../present/answers.ts'
import { presentMessage, showMessage } from '../present/message.ts'

const params = Type.Object({ id: MessageId })
const Scope = Type.Optional(oneOf('me', 'everyone'))
const History = Type.Object({
  ...historyQuery,
  conversationId: Type.Optional(ConversationId),
  conversation: Type.Optional(ConversationId),
  with: Type.Optional(UserId)
})

/** Document 1, "Message Controller & Routes". */
export function messageRoutes(services: Services): DialectRoute[] {
  return [...pageRoutes(services), ...changeRoutes(services), ...reactionRoutes(services)]
}

function pageRoutes(services: Services): DialectRoute[] {
  return [
    dialectRoute(
      'POST /messages',
      { summary: 'Send a message', answer: answers.OneMessage, status: 201, isSend: true, body: NewMessage },
      async ({ actor, body }) => {
        const conversationId = await openPlace(services, actor, body)
        const message = await sendMessage(services, actor, conversationId, contentOf(body))
        return answer(await showMessage(services, message), 'Message sent')
      }
    ),
    readingRoute(
      'GET /messages',
      { summary: 'Messages of a conversation, newest first', answer: answers.MessagePage, query: History },
      { services, read: readMessages, present: async (said, { query }) => await answerHistory(services, said, query) }
    )
  ]
}

async function answerHistory(
  { pairs }: Services,
  { conversationId, messages, more }: Said,
  query: Static<typeof History>
) {
  const pair = conversationId === undefined ? undefined : await pairs.find(bareId(conversationId))
  const shown = messages.map(message => presentMessage(message, pair)).reverse()
  const last = more ? (shown.at(-1)?.id ?? null) : null
  const next = conversationId === undefined ? undefined : last
  return answerPage(shown, { limit: limitOf(query), hasMore: more, ...omitUndefined({ page: query.page, next }) })
}

function changeRoutes(services: Services): DialectRoute[] {
  const { messages } = services
  return [
    dialectRoute(
      'PATCH /messages/:id',
      { summary: 'Edit a message of yours', answer: answers.OneMessage, params, body: EditedMessage },
      async ({ actor, params: { id }, body }) => {
        const place = await messages.locate(actor, id)
        const edited = await messages.edit(actor, { ...place, ...editOf(body) })
        return answer(await showMessage(services, edited), 'Message edited')
      }
    ),
    dialectRoute(
      'DELETE /messages/:id',
      {
        summary: 'Delete a message for yourself, or for everyone',
        answer: answers.DeletedMessage,
        params,
        query: Type.Object({ scope: Scope }),
        body: Type.Object({ scope: Scope, deleteFor: Scope, forEveryone: Type.Optional(Type.Boolean()) })
      },
      async ({ actor, params: { id }, query, body }) => {
        const scope = query.scope ?? body.scope ?? body.deleteFor ?? (body.forEveryone === true ? 'everyone' : 'me')
        const place = await messages.locate(actor, id)
        await (scope === 'everyone' ? messages.deleteForEveryone(actor, place) : messages.hide(actor, place))
        return answer(presentDeleted(place, scope), 'Message deleted')
      }
    )
  ]
}

function presentDeleted(place: { conversationId: string; messageId: string }, scope: 'me' | 'everyone') {
  const [conversationId, messageId] = [bareId(place.conversationId), bareId(place.messageId)]
  return { _id: messageId, id: messageId, messageId, conversationId, conversation: conversationId, scope }
}

function reactionRoutes(services: Services): DialectRoute[] {
  const { messages, reactions } = services
  return [
    dialectRoute(
      'POST /messages/:id/reactions',
      { summary: 'React to a message', answer: answers.OneMessage, params, body: Type.Object({ emoji: Emoji }) },
      async ({ actor, params: { id }, body: { emoji } }) => {
        const message = await reactions.add(actor, { ...(await messages.locate(actor, id)), emoji })
        return answer(await showMessage(services, message), 'Reaction added')
      }
    ),
    dialectRoute(
      'DELETE /messages/:id/reactions/:emoji',
      {
        summary: 'Take a reaction back',
        answer: answers.OneMessage,
        params: Type.Object({ id: MessageId, emoji: Emoji })
      },
      async ({ actor, params: { id, emoji } }) => {
        const message = await reactions.remove(actor, { ...(await messages.locate(actor, id)), emoji })
        return answer(await showMessage(services, message), 'Reaction removed')
      }
    )
  ]
}
