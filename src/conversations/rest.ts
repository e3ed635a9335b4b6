import type { FastifyPluginAsync } from 'fastify'
import * as contracts from '../../protocol/routes/conversations.ts'
import { register } from '../faces/http/route.ts'
import type { Services } from '../services.ts'
import { requireCursor } from './receipts.ts'

/** REST face of conversations, receipts and typing. */
export const conversationRoutes: FastifyPluginAsync<{ services: Services }> = async (app, { services }) => {
  const { conversations, conversationList, groups, receipts, typing } = services
  register(app, contracts.CreateConversation, async ({ actor, body }, reply) => {
    const { conversation, isNew } = await conversations.create(actor, body)
    reply.code(isNew ? 201 : 200)
    return conversation
  })
  register(app, contracts.ListConversations, async ({ actor, query: { archived, pinned, unread, ...query } }) => {
    const flags = { ...flag('archived', archived), ...flag('pinned', pinned), ...flag('unread', unread) }
    return await conversationList.page(actor, { ...query, ...flags })
  })
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
  register(app, contracts.SetReceipt, async ({ actor, params, body }) => {
    requireCursor(body)
    return await receipts.mark(actor, params.conversationId, body)
  })
  register(app, contracts.SetTyping, async ({ actor, params, body }) => {
    if (body.isTyping) await typing.start(actor, params.conversationId)
    else await typing.stop(actor, params.conversationId)
  })
}

function flag<Name extends string>(name: Name, text: 'true' | 'false' | undefined): { [name in Name]?: boolean } {
  return text === undefined ? {} : ({ [name]: text === 'true' } as { [name in Name]?: boolean })
}
