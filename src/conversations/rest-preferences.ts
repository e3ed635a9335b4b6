import type { FastifyPluginAsync } from 'fastify'
import * as contracts from '../../protocol/routes/conversations.ts'
import { register } from '../faces/http/route.ts'
import type { Services } from '../services.ts'

/** REST face of how one member keeps a conversation, and of its end. */
export const preferenceRoutes: FastifyPluginAsync<{ services: Services }> = async (app, { services }) => {
  const { groups, preferences } = services
  register(
    app,
    contracts.SetPreferences,
    async ({ actor, params, body }) => await preferences.set(actor, params.conversationId, body)
  )
  register(
    app,
    contracts.ClearConversation,
    async ({ actor, params }) => await preferences.clear(actor, params.conversationId)
  )
  register(app, contracts.DeleteConversation, async ({ actor, params, query }) => {
    if (query.scope === 'everyone') await groups.end(actor, params.conversationId)
    else await preferences.hide(actor, params.conversationId)
  })
}
