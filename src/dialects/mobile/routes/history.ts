import { Type } from '@sinclair/typebox'
import { ConversationId, UserId } from '../../../../protocol/ids.ts'
import type { Actor } from '../../../actor.ts'
import { type DialectRoute, dialectRoute, readingRoute } from '../../kit/dialect.ts'
import { historyQuery } from '../../kit/paging.ts'
import { readConversation, readMessages, type Said } from '../../kit/readings.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer } from '../present/answer.ts'
import { presentMessage } from '../present/message.ts'

/** A conversation by its id, or the one with a person. */
const whose = {
  conversationId: Type.Optional(ConversationId),
  conversation: Type.Optional(ConversationId),
  with: Type.Optional(UserId)
}

/** Document 0, "Messages": reading what was said, newest first. */
export function historyRoutes(services: Services): DialectRoute[] {
  return [
    readingRoute(
      'GET /messages',
      {
        summary: 'Messages of a conversation, newest first',
        answer: answers.Messages,
        query: Type.Object({ ...whose, ...historyQuery })
      },
      { services, read: readMessages, present: async (said, { actor }) => await presentSaid(services, actor, said) }
    ),
    dialectRoute(
      'GET /conversations/:id/messages',
      {
        summary: 'Messages of a conversation, newest first',
        answer: answers.Messages,
        params: Type.Object({ id: ConversationId }),
        query: Type.Object(historyQuery)
      },
      async ({ actor, params: { id }, query }) => {
        const said = await readMessages(services, { actor, query: { ...query, conversationId: id } })
        return await presentSaid(services, actor, said)
      }
    )
  ]
}

/** Newest first, with who has read them. */
async function presentSaid(services: Services, actor: Actor, { conversationId: id, messages, more }: Said) {
  const { participants = [] } = id === undefined ? {} : await readConversation(services, { actor, params: { id } })
  const shown = messages.map(message => presentMessage(message, participants))
  return { ...answer(shown.reverse()), hasMore: more }
}
