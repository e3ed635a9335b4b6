import { Type } from '@sinclair/typebox'
import type { ConversationView } from '../../../../protocol/conversations/entities.ts'
import { ConversationId, prefixedId } from '../../../../protocol/ids.ts'
import type { Actor } from '../../../actor.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import { limitOf, pageQuery } from '../../kit/paging.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { presentConversation } from '../present.ts'

/** Document 2, conversations: a bare list, and one of them. */
export function conversationRoutes({ conversationList, conversations, details }: Services): DialectRoute[] {
  const present = async (actor: Actor, views: readonly ConversationView[]) => {
    const found = await details.findAll(actor, views)
    return found.map(summary => presentConversation(summary, prefixedId('user', actor.userId)))
  }
  return [
    dialectRoute(
      'GET /api/conversations',
      { summary: 'List conversations', answer: answers.ConversationList, query: Type.Object(pageQuery) },
      async ({ actor, query }) => {
        const { page = 1 } = query
        const found = await conversationList.page(actor, { limit: limitOf(query), page })
        return await present(actor, found.conversations)
      }
    ),
    dialectRoute(
      'GET /api/conversations/:id',
      { summary: 'One conversation', answer: answers.Conversation, params: Type.Object({ id: ConversationId }) },
      async ({ actor, params: { id } }) => (await present(actor, [await conversations.get(actor, id)]))[0]
    )
  ]
}
