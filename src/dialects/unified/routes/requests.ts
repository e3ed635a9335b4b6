import { Type } from '@sinclair/typebox'
import { RequestId, UserId } from '../../../../protocol/ids.ts'
import { type PersonRequest, RequestText } from '../../../../protocol/requests/entities.ts'
import { oneOf } from '../../../../protocol/schema.ts'
import type { Actor } from '../../../actor.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import { limitOf, pageQuery } from '../../kit/paging.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer, answerPage } from '../present/answers.ts'
import { showConversation } from '../present/conversation.ts'
import { presentUser } from '../present/people.ts'
import { presentRequest } from '../present/request.ts'

const params = Type.Object({ id: RequestId })

/** Document 1, chat requests. */
export function requestRoutes(services: Services): DialectRoute[] {
  return [...askingRoutes(services), ...decidingRoutes(services)]
}

function askingRoutes(services: Services): DialectRoute[] {
  const { requests } = services
  return [
    dialectRoute(
      'POST /chat-requests',
      {
        summary: 'Ask somebody to chat',
        answer: answers.OneRequest,
        body: Type.Object({ to: UserId, message: Type.Optional(RequestText) })
      },
      async ({ actor, body: { to, message } }) => {
        const request = await requests.send(actor, { kind: 'chat', to, ...omitUndefined({ message }) })
        return answer(await show(services, actor, request), 'Chat request sent')
      }
    ),
    dialectRoute(
      'GET /chat-requests',
      {
        summary: 'Requests to you and by you, newest first',
        answer: answers.RequestPage,
        query: Type.Object({
          limit: pageQuery.limit,
          after: Type.Optional(RequestId),
          direction: Type.Optional(oneOf('incoming', 'outgoing')),
          status: Type.Optional(oneOf('pending', 'accepted', 'declined', 'cancelled'))
        })
      },
      async ({ actor, query }) => {
        const { after, direction } = query
        const limit = limitOf(query)
        const status = query.status === 'pending' ? ('open' as const) : query.status
        const page = await requests.list(actor, { kind: 'chat', limit, ...omitUndefined({ after, direction, status }) })
        const next = page.next?.slice(-24) ?? null
        return answerPage(await showAll(services, actor, page.requests), { limit, hasMore: next !== null, next })
      }
    )
  ]
}

function decidingRoutes(services: Services): DialectRoute[] {
  const { requests } = services
  return [
    dialectRoute(
      'POST /chat-requests/:id/accept',
      { summary: 'Accept a request: the two have a chat', answer: answers.OneRequest, params },
      async ({ actor, params: { id } }) => {
        const request = await requests.accept(actor, id)
        return answer(await show(services, actor, request), 'Chat request accepted')
      }
    ),
    dialectRoute(
      'POST /chat-requests/:id/decline',
      { summary: 'Decline a request', answer: answers.OneRequest, params },
      async ({ actor, params: { id } }) => {
        const request = await requests.decline(actor, id)
        return answer(await show(services, actor, request), 'Chat request declined')
      }
    )
  ]
}

/** Present a request; an accepted one with its chat. */
async function show(services: Services, actor: Actor, request: PersonRequest) {
  const [shown] = await showAll(services, actor, [request])
  const { conversationId } = request
  return {
    ...shown,
    ...omitUndefined({ chat: conversationId ? await showConversation(services, actor, conversationId) : undefined })
  }
}

/** Requests with the other person of each. */
async function showAll({ users }: Services, actor: Actor, requests: readonly PersonRequest[]) {
  const otherOf = ({ from, to }: PersonRequest) => (from.endsWith(actor.userId) ? to : from)
  const others = new Map((await users.findMany(actor, requests.map(otherOf))).map(user => [user.id, user]))
  return requests.map(request => {
    const other = others.get(otherOf(request))
    return { ...presentRequest(request, actor.userId), user: other === undefined ? null : presentUser(other) }
  })
}
