import { Type } from '@sinclair/typebox'
import { ConversationName, Description } from '../../../../protocol/conversations/entities.ts'
import { bareId, ConversationId, UserId } from '../../../../protocol/ids.ts'
import { DEFAULT_LIMITS } from '../../../../protocol/limits.ts'
import { PictureUrl } from '../../../../protocol/users/entities.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute, readingRoute } from '../../kit/dialect.ts'
import { pageQuery } from '../../kit/paging.ts'
import { readConversation, readConversations } from '../../kit/readings.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer } from '../present/answer.ts'
import { presentConversation, showConversation } from '../present/conversation.ts'

const params = Type.Object({ id: ConversationId })
const People = Type.Array(UserId, { maxItems: DEFAULT_LIMITS.membersPerCommand })
/** Of a group; what is left out stays as it is. */
const looks = { avatar: Type.Optional(PictureUrl), description: Type.Optional(Description) }

/** Document 0, "Conversation Management" and "Participants". */
export function conversationRoutes(services: Services): DialectRoute[] {
  return [
    ...listRoutes(services),
    ...openingRoutes(services),
    ...changingRoutes(services),
    ...participantRoutes(services)
  ]
}

function listRoutes(services: Services): DialectRoute[] {
  return [
    readingRoute(
      'GET /conversations',
      {
        summary: 'Your conversations: pinned ones first, then the newest',
        answer: answers.Conversations,
        query: Type.Object(pageQuery)
      },
      {
        services,
        read: readConversations,
        present: ({ found }, { actor }) => answer(found.map(summary => presentConversation(actor, summary)))
      }
    ),
    readingRoute(
      'GET /conversations/:id',
      { summary: 'One conversation', answer: answers.OneConversation, params },
      { services, read: readConversation, present: (found, { actor }) => answer(presentConversation(actor, found)) }
    )
  ]
}

function openingRoutes(services: Services): DialectRoute[] {
  const { conversations } = services
  return [
    dialectRoute(
      'POST /conversations/single',
      {
        summary: 'Open the conversation with somebody, new or old',
        answer: answers.OneConversation,
        otherStatus: 201,
        body: Type.Object({ userId: UserId })
      },
      async ({ actor, body: { userId } }, reply) => {
        const { conversation, isNew } = await conversations.create(actor, { type: 'direct', userId })
        if (isNew) reply.code(201)
        return answer(await showConversation(services, actor, conversation.id))
      }
    ),
    dialectRoute(
      'POST /conversations/group',
      {
        summary: 'Make a group',
        answer: answers.OneConversation,
        body: Type.Object({ name: ConversationName, participants: Type.Optional(People), ...looks }),
        status: 201
      },
      async ({ actor, body: { name, participants = [], avatar, description } }) => {
        const { conversation } = await conversations.create(actor, {
          type: 'group',
          name,
          memberIds: participants,
          ...omitUndefined({ avatarUrl: avatar, description })
        })
        return answer(await showConversation(services, actor, conversation.id), 'Group created')
      }
    )
  ]
}

function changingRoutes(services: Services): DialectRoute[] {
  const { groups, preferences } = services
  return [
    dialectRoute(
      'PUT /conversations/:id',
      {
        summary: 'Change a group',
        answer: answers.OneConversation,
        params,
        body: Type.Object({ name: Type.Optional(ConversationName), ...looks })
      },
      async ({ actor, params: { id }, body: { name, avatar, description } }) => {
        await groups.update(actor, id, omitUndefined({ name, avatarUrl: avatar, description }))
        return answer(await showConversation(services, actor, id), 'Conversation updated')
      }
    ),
    dialectRoute(
      'DELETE /conversations/:id',
      {
        summary: 'Hide a conversation until somebody writes in it, or end a group with `?scope=everyone`',
        answer: answers.ConversationRef,
        params,
        query: Type.Object({ scope: Type.Optional(Type.Union([Type.Literal('me'), Type.Literal('everyone')])) })
      },
      async ({ actor, params: { id }, query: { scope } }) => {
        if (scope === 'everyone') await groups.end(actor, id)
        else await preferences.hide(actor, id)
        return answer({ conversationId: bareId(id) }, 'Conversation deleted')
      }
    )
  ]
}

function participantRoutes(services: Services): DialectRoute[] {
  const { groups } = services
  return [
    dialectRoute(
      'PUT /conversations/:id/participants',
      {
        summary: 'Add people to a group',
        answer: answers.OneConversation,
        params,
        body: Type.Object({ userIds: People })
      },
      async ({ actor, params: { id }, body: { userIds } }) => {
        await groups.add(actor, id, userIds)
        return answer(await showConversation(services, actor, id), 'Participants added')
      }
    ),
    dialectRoute(
      'DELETE /conversations/:id/participants/:participantId',
      {
        summary: 'Remove somebody from a group, or leave it',
        answer: answers.RemovedParticipant,
        params: Type.Object({ id: ConversationId, participantId: UserId })
      },
      async ({ actor, params: { id, participantId } }) => {
        if (bareId(participantId) === actor.userId) {
          await groups.leave(actor, id)
          return answer({ conversationId: bareId(id) }, 'You left the group')
        }
        await groups.remove(actor, id, participantId)
        return answer(await showConversation(services, actor, id), 'Participant removed')
      }
    )
  ]
}
