import type { FastifyPluginAsync } from 'fastify'
import * as contracts from '../../../protocol/routes/messages.ts'
import { AppError } from '../../errors.ts'
import type { Services } from '../../services/index.ts'
import { presentChanged } from '../changed.ts'
import { register } from './route.ts'

/** REST face of messages and reactions. */
export const messageRoutes: FastifyPluginAsync<{ services: Services }> = async (app, { services }) => {
  const { history, messages, reactions, receipts } = services
  register(app, contracts.SendMessage, async ({ actor, params, body, headers }, reply) => {
    const clientId = body.clientId ?? headers['idempotency-key']
    if (clientId === undefined) throw new AppError('invalid', 'Give a clientId, or the header Idempotency-Key')
    const { sent } = await messages.send(actor, { ...params, ...body, clientId })
    reply.code(sent.duplicate ? 200 : 201)
    return sent
  })
  register(
    app,
    contracts.GetHistory,
    async ({ actor, params, query }) => await history.page(actor, { ...params, ...query })
  )
  register(app, contracts.GetMessage, async ({ actor, params }) => await messages.get(actor, params))
  register(app, contracts.GetEdits, async ({ actor, params }) => await messages.edits(actor, params))
  register(
    app,
    contracts.GetMessageReceipts,
    async ({ actor, params, query }) => await receipts.ofMessage(actor, params, query)
  )
  register(app, contracts.EditMessage, async ({ actor, params, body }) =>
    presentChanged(await messages.edit(actor, { ...params, ...body }))
  )
  register(app, contracts.DeleteMessage, async ({ actor, params, query }) =>
    query.scope === 'me'
      ? await messages.hide(actor, params)
      : presentChanged(await messages.deleteForEveryone(actor, params))
  )
  register(app, contracts.AddReaction, async ({ actor, params, body }) =>
    presentChanged(await reactions.add(actor, { ...params, ...body }))
  )
  register(app, contracts.RemoveReaction, async ({ actor, params }) =>
    presentChanged(await reactions.remove(actor, params))
  )
}
