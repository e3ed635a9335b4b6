import { bareKey } from '../../protocol/messages/entities.ts'
import * as contracts from '../../protocol/messages/routes.ts'
import { type BoundRoute, route } from '../contract/route.ts'
import type { ReceiptService } from '../conversations/index.ts'
import { AppError } from '../errors.ts'
import { presentChanged } from '../present/changed.ts'
import type { MessageCommandDeps } from './commands.ts'
import { draftRoutes } from './drafts/rest.ts'
import { expiryRoutes } from './expiring/rest.ts'
import type { ExportService } from './exporting/exports.ts'
import { exportRoutes } from './exporting/rest.ts'
import { forwardingRoutes } from './forwarding/rest.ts'
import { pinRoutes } from './pins/rest.ts'
import { reactionRoutes } from './reactions/rest.ts'
import { scheduledRoutes } from './scheduled/rest.ts'
import { starRoutes } from './stars/rest.ts'

interface MessageRouteDeps extends MessageCommandDeps {
  readonly receipts: Pick<ReceiptService, 'findByMessage'>
  readonly exports: ExportService
}

/** Routes of messages and history, of what is sent later or goes by itself, of forwarding, pins and stars. */
export function messageRoutes(deps: MessageRouteDeps): BoundRoute[] {
  return [
    ...ownRoutes(deps),
    ...draftRoutes(deps.drafts),
    ...scheduledRoutes(deps.scheduled),
    ...expiryRoutes(deps.expiry),
    ...exportRoutes(deps.exports),
    ...forwardingRoutes(deps.forwarding),
    ...pinRoutes(deps.pins),
    ...reactionRoutes(deps.reactions),
    ...starRoutes(deps.stars)
  ]
}

function ownRoutes({
  history,
  messages,
  receipts
}: Pick<MessageRouteDeps, 'history' | 'messages' | 'receipts'>): BoundRoute[] {
  return [
    route(contracts.SendMessage, async ({ actor, params, body, headers }, reply) => {
      const { 'idempotency-key': key } = headers
      const clientId = body.clientId ?? (key && bareKey(key))
      if (clientId === undefined) throw new AppError('invalid', 'Give a clientId, or the header Idempotency-Key')
      const { sent } = await messages.send(actor, { ...params, ...body, clientId })
      reply.code(sent.duplicate ? 200 : 201)
      return sent
    }),
    route(contracts.GetHistory, async ({ actor, params, query }) => await history.page(actor, { ...params, ...query })),
    route(contracts.GetMessage, async ({ actor, params }) => await messages.get(actor, params)),
    route(contracts.GetEdits, async ({ actor, params }) => await messages.edits(actor, params)),
    route(
      contracts.GetMessageReceipts,
      async ({ actor, params, query }) => await receipts.findByMessage(actor, params, query)
    ),
    route(contracts.EditMessage, async ({ actor, params, body }) =>
      presentChanged(await messages.edit(actor, { ...params, ...body }))
    ),
    route(contracts.DeleteMessage, async ({ actor, params, query }) =>
      query.scope === 'me'
        ? await messages.hide(actor, params)
        : presentChanged(await messages.deleteForEveryone(actor, params))
    )
  ]
}
