import * as contracts from '../../../protocol/messages/exports/routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import type { ExportService } from './exports.ts'

/** Routes of exports. */
export function exportRoutes(exports: ExportService): BoundRoute[] {
  return [
    route(contracts.BeginExport, async ({ actor, params }, reply) => {
      const { begun, isNew } = await exports.begin(actor, params.conversationId)
      reply.code(isNew ? 201 : 200)
      return begun
    }),
    route(contracts.ListExports, async ({ actor }) => await exports.list(actor)),
    route(contracts.GetExport, async ({ actor, params }) => await exports.get(actor, params.exportId)),
    route(contracts.CancelExport, async ({ actor, params }) => await exports.cancel(actor, params.exportId))
  ]
}
