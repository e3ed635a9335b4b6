import type { FastifyPluginAsync } from 'fastify'
import * as contracts from '../../../protocol/routes/conversations.ts'
import { requireCursor, type Services } from '../../services/index.ts'
import { register } from './route.ts'

/** REST face of conversations, members, receipts and typing. */
export const conversationRoutes: FastifyPluginAsync<{ services: Services }> = async (app, { services }) => {
  const { conversations, groups, receipts, typing } = services
  register(app, contracts.CreateConversation, async ({ actor, body }, reply) => {
    const { conversation, isNew } = await conversations.create(actor, body)
    reply.code(isNew ? 201 : 200)
    return conversation
  })
  register(app, contracts.ListConversations, async ({ actor, query }) => await conversations.list(actor, query))
  register(
    app,
    contracts.GetConversation,
    async ({ actor, params }) => await conversations.get(actor, params.conversationId)
  )
  register(
    app,
    contracts.UpdateConversation,
    async ({ actor, params, body }) => await groups.update(actor, params.conversationId, body)
  )
  register(
    app,
    contracts.ListMembers,
    async ({ actor, params, query }) => await conversations.members(actor, params.conversationId, query)
  )
  register(
    app,
    contracts.AddMembers,
    async ({ actor, params, body }) => await groups.add(actor, params.conversationId, body.userIds)
  )
  register(
    app,
    contracts.ChangeMember,
    async ({ actor, params, body }) => await groups.setRole(actor, params.conversationId, params.userId, body.role)
  )
  register(
    app,
    contracts.RemoveMember,
    async ({ actor, params }) => await groups.remove(actor, params.conversationId, params.userId)
  )
  register(
    app,
    contracts.LeaveConversation,
    async ({ actor, params }) => await groups.leave(actor, params.conversationId)
  )
  register(app, contracts.SetReceipt, async ({ actor, params, body }) => {
    requireCursor(body)
    return await receipts.mark(actor, params.conversationId, body)
  })
  register(app, contracts.SetTyping, async ({ actor, params, body }) => {
    if (body.isTyping) await typing.start(actor, params.conversationId)
    else await typing.stop(actor, params.conversationId)
  })
}
