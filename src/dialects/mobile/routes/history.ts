import { Type } from '@sinclair/typebox'
import { ConversationId, UserId } from '../../../../protocol/ids.ts'
import type { Actor } from '../../../actor.ts'
import { AppError } from '../../../errors.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import { historyQuery, placeOf } from '../../kit/paging.ts'
import type { Services } from '../../kit/services.ts'
import { answer } from '../fields.ts'
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
    dialectRoute(
      'GET /messages',
      { summary: 'Messages of a conversation, newest first', query: Type.Object({ ...whose, ...historyQuery }) },
      async ({ actor, query: { conversationId, conversation = conversationId, with: userId, ...place } }) => {
        if (conversation !== undefined) return await page(services, actor, conversation, place)
        if (userId === undefined) throw new AppError('invalid', 'conversationId is missing')
        const direct = await services.conversations.direct(actor, userId)
        if (direct !== undefined) return await page(services, actor, direct.id, place)
        await services.users.get(actor, userId)
        return { ...answer([]), hasMore: false }
      }
    ),
    dialectRoute(
      'GET /conversations/:id/messages',
      {
        summary: 'Messages of a conversation, newest first',
        params: Type.Object({ id: ConversationId }),
        query: Type.Object(historyQuery)
      },
      async ({ actor, params: { id }, query }) => await page(services, actor, id, query)
    )
  ]
}

async function page(
  { conversations, history, details }: Services,
  actor: Actor,
  conversationId: string,
  place: Parameters<typeof placeOf>[0]
) {
  const view = await conversations.get(actor, conversationId)
  const { messages, more } = await history.page(actor, { conversationId, ...placeOf(place) })
  const [summary] = await details.findAll(actor, [view])
  const shown = messages.map(message => presentMessage(message, summary?.participants))
  return { ...answer(shown.reverse()), hasMore: more }
}
