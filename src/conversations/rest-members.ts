import type { FastifyPluginAsync } from 'fastify'
import * as contracts from '../../protocol/routes/conversations.ts'
import { register } from '../faces/http/route.ts'
import type { Services } from '../services.ts'

/** REST face of who is in a conversation. */
export const memberRoutes: FastifyPluginAsync<{ services: Services }> = async (app, { services }) => {
  const { conversations, groups } = services
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
}
