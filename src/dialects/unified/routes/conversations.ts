import { Type } from '@sinclair/typebox'
import { ConversationName, ConversationType, Description } from '../../../../protocol/conversations/entities.ts'
import { ConversationId, UserId } from '../../../../protocol/ids.ts'
import { DEFAULT_LIMITS } from '../../../../protocol/limits.ts'
import { oneOf } from '../../../../protocol/schema.ts'
import { PictureUrl } from '../../../../protocol/users/entities.ts'
import type { Actor } from '../../../actor.ts'
import { AppError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute, readingRoute } from '../../kit/dialect.ts'
import { limitOf, pageQuery } from '../../kit/paging.ts'
import { readConversation, readConversations } from '../../kit/readings.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer, answerPage } from '../present/answers.ts'
import { presentConversation, presentConversations } from '../present/conversation.ts'

const params = Type.Object({ id: ConversationId })
const People = Type.Optional(Type.Array(UserId, { maxItems: DEFAULT_LIMITS.membersPerCommand }))
/** Of groups that are made without one. */
const GROUP_NAME = 'Group'

/** Fields of a group. */
export const groupFields = {
  name: Type.Optional(ConversationName),
  description: Type.Optional(Description),
  avatar: Type.Optional(PictureUrl),
  avatarUrl: Type.Optional(PictureUrl)
}
/** People under either of their names. */
export const peopleFields = { participants: People, members: People, userIds: People }

interface NewGroup {
  readonly name?: string
  readonly description?: string
  readonly avatar?: string
  readonly avatarUrl?: string
}

/** People whom a client names, without the actor. Ids in either form. */
export function othersOf(
  actor: Actor,
  people: Partial<Record<keyof typeof peopleFields, readonly string[]>>
): string[] {
  const ids = people.participants ?? people.members ?? people.userIds ?? []
  return [...new Set(ids.map(id => id.slice(-24)))].filter(id => id !== actor.userId)
}

/** Makes a group of the actor and others. */
export async function makeGroup(services: Services, actor: Actor, memberIds: string[], fields: NewGroup) {
  const { name = GROUP_NAME, description, avatar, avatarUrl = avatar } = fields
  const optional = omitUndefined({ description, avatarUrl, memberIds: memberIds.length > 0 ? memberIds : undefined })
  const { conversation } = await services.conversations.create(actor, { type: 'group', name, ...optional })
  const [shown] = await presentConversations(services, actor, [conversation])
  return shown
}

/** A page of the actor’s conversations as a body. */
export function answerConversations(
  { found, hasMore }: Awaited<ReturnType<typeof readConversations>>,
  { actor, query }: { actor: Actor; query: { page?: number; limit?: number } }
) {
  const { page = 1 } = query
  const shown = found.map(summary => presentConversation(summary, actor))
  return answerPage(shown, { limit: limitOf(query), page, hasMore })
}

/** Document 1, "Conversation Controller & Routes". */
export function conversationRoutes(services: Services): DialectRoute[] {
  return [...listRoutes(services), ...oneRoutes(services)]
}

function listRoutes(services: Services): DialectRoute[] {
  return [
    readingRoute(
      'GET /conversations',
      {
        summary: 'Your conversations, pinned ones first',
        answer: answers.ConversationPage,
        query: Type.Object(pageQuery)
      },
      { services, read: readConversations, present: answerConversations }
    ),
    dialectRoute(
      'POST /conversations',
      {
        summary: 'Open the chat with one other person, or make a group',
        answer: answers.OneConversation,
        status: 201,
        otherStatus: 200,
        body: Type.Object({ ...groupFields, ...peopleFields, type: Type.Optional(ConversationType) })
      },
      async ({ actor, body }, reply) => {
        const [other, ...more] = othersOf(actor, body)
        if (other === undefined) throw new AppError('invalid', 'Give participants or members')
        const isGroup = more.length > 0 || body.name !== undefined || body.type === 'group'
        if (isGroup) return answer(await makeGroup(services, actor, [other, ...more], body), 'Conversation created')
        const opened = await services.conversations.create(actor, { type: 'direct', userId: other })
        reply.code(opened.isNew ? 201 : 200)
        const [shown] = await presentConversations(services, actor, [opened.conversation])
        return answer(shown, opened.isNew ? 'Conversation created' : 'OK')
      }
    )
  ]
}

function oneRoutes(services: Services): DialectRoute[] {
  const { preferences, groups } = services
  return [
    readingRoute(
      'GET /conversations/:id',
      { summary: 'One conversation', answer: answers.OneConversation, params },
      { services, read: readConversation, present: (found, { actor }) => answer(presentConversation(found, actor)) }
    ),
    dialectRoute(
      'DELETE /conversations/:id',
      {
        summary: 'Clear a conversation and hide it until somebody writes in it, or end a group of yours',
        answer: answers.DeletedConversation,
        params,
        query: Type.Object({ scope: Type.Optional(oneOf('me', 'everyone')) })
      },
      async ({ actor, params: { id }, query: { scope = 'me' } }) => {
        if (scope === 'everyone') await groups.end(actor, id)
        else await preferences.hide(actor, id)
        const conversationId = id.slice(-24)
        return answer(
          { id: conversationId, conversationId, conversation: conversationId, scope },
          'Conversation deleted'
        )
      }
    )
  ]
}
