import { Type } from '@sinclair/typebox'
import { GroupSettings } from '../../../../protocol/conversations/entities.ts'
import { ConversationId, UserId } from '../../../../protocol/ids.ts'
import type { Actor } from '../../../actor.ts'
import { AppError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import { pageQuery } from '../../kit/paging.ts'
import { readConversations } from '../../kit/readings.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer } from '../present/answers.ts'
import { showConversation } from '../present/conversation.ts'
import { answerConversations, groupFields, makeGroup, othersOf, peopleFields } from './conversations.ts'

const params = Type.Object({ id: ConversationId })
const { properties: settings } = GroupSettings

/** Document 1, groups: a group’s id is that of its conversation. */
export function groupRoutes(services: Services): DialectRoute[] {
  return [...listRoutes(services), ...oneRoutes(services), ...memberRoutes(services), ...roleRoutes(services)]
}

/** @throws {AppError} `not_found` for what is not a group of the actor’s */
async function showGroup(services: Services, actor: Actor, id: string) {
  const shown = await showConversation(services, actor, id)
  if (!shown.isGroup) throw new AppError('not_found', 'No such group')
  return shown
}

function listRoutes(services: Services): DialectRoute[] {
  return [
    dialectRoute(
      'GET /groups',
      { summary: 'Your groups', answer: answers.ConversationPage, query: Type.Object(pageQuery) },
      async ({ actor, query }) => {
        const found = await readConversations(services, { actor, query: { ...query, type: 'group' } })
        return answerConversations(found, { actor, query })
      }
    ),
    dialectRoute(
      'POST /groups',
      {
        summary: 'Make a group',
        answer: answers.OneConversation,
        status: 201,
        body: Type.Object({ ...groupFields, ...peopleFields })
      },
      async ({ actor, body }) => {
        if (body.name === undefined) throw new AppError('invalid', 'A group needs a name')
        return answer(await makeGroup(services, actor, othersOf(actor, body), body), 'Group created')
      }
    )
  ]
}

function oneRoutes(services: Services): DialectRoute[] {
  const { groups } = services
  const changes = Type.Object({
    ...groupFields,
    settings: Type.Optional(Type.Partial(Type.Object(settings)))
  })
  return [
    dialectRoute(
      'GET /groups/:id',
      { summary: 'One group', answer: answers.OneConversation, params },
      async ({ actor, params: { id } }) => answer(await showGroup(services, actor, id))
    ),
    dialectRoute(
      'PUT /groups/:id',
      { summary: 'Change a group', answer: answers.OneConversation, params, body: changes },
      async ({ actor, params: { id }, body: { name, description, avatar, avatarUrl = avatar, settings = {} } }) => {
        const { whoMaySend, whoMayAdd, whoMayEdit, history } = settings
        const chosen = omitUndefined({ whoMaySend, whoMayAdd, whoMayEdit, history })
        const isChosen = Object.keys(chosen).length > 0
        await groups.update(
          actor,
          id,
          omitUndefined({ name, description, avatarUrl, settings: isChosen ? chosen : undefined })
        )
        return answer(await showGroup(services, actor, id), 'Group updated')
      }
    ),
    dialectRoute(
      'DELETE /groups/:id',
      { summary: 'End a group of yours', answer: answers.GoneGroup, params },
      async ({ actor, params: { id } }) => {
        await groups.end(actor, id)
        return answer({ id: id.slice(-24) }, 'Group deleted')
      }
    )
  ]
}

function memberRoutes(services: Services): DialectRoute[] {
  const { groups } = services
  return [
    dialectRoute(
      'POST /groups/:id/members',
      {
        summary: 'Add people',
        answer: answers.OneConversation,
        params,
        body: Type.Object({ ...peopleFields, userId: Type.Optional(UserId) })
      },
      async ({ actor, params: { id }, body: { userId, ...people } }) => {
        const userIds = othersOf(actor, userId === undefined ? people : { userIds: [userId] })
        if (userIds.length === 0) throw new AppError('invalid', 'Give userIds')
        await groups.add(actor, id, userIds)
        return answer(await showGroup(services, actor, id), 'Members added')
      }
    ),
    dialectRoute(
      'DELETE /groups/:id/members/:userId',
      {
        summary: 'Remove somebody, or leave',
        answer: answers.RemovedMember,
        params: Type.Object({ id: ConversationId, userId: UserId })
      },
      async ({ actor, params: { id, userId } }) => {
        if (userId.slice(-24) === actor.userId) return await leave(services, actor, id)
        await groups.remove(actor, id, userId)
        return answer(await showGroup(services, actor, id), 'Member removed')
      }
    ),
    dialectRoute(
      'POST /groups/:id/leave',
      { summary: 'Leave a group', answer: answers.GoneGroup, params },
      async ({ actor, params: { id } }) => await leave(services, actor, id)
    )
  ]
}

async function leave({ groups }: Services, actor: Actor, id: string) {
  await groups.leave(actor, id)
  return answer({ id: id.slice(-24) }, 'Group left')
}

function roleRoutes(services: Services): DialectRoute[] {
  const body = Type.Object({ userIds: Type.Array(UserId, { maxItems: 500 }) })
  return [
    dialectRoute(
      'PUT /groups/:id/admins',
      { summary: 'Make these people, and nobody else, the admins', answer: answers.OneConversation, params, body },
      async ({ actor, params: { id }, body: { userIds } }) => {
        await services.groups.setAdmins(actor, id, userIds)
        return answer(await showGroup(services, actor, id), 'Admins changed')
      }
    )
  ]
}
