import * as contracts from '../../../protocol/messages/scheduled/routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import type { ScheduledService } from './scheduled.ts'

/** Routes of scheduled messages. */
export function scheduledRoutes(scheduled: ScheduledService): BoundRoute[] {
  return [
    route(contracts.ScheduleMessage, async ({ actor, params, body }, reply) => {
      const { message, isNew } = await scheduled.create(actor, { ...params, ...body })
      reply.code(isNew ? 201 : 200)
      return message
    }),
    route(contracts.ListScheduledMessages, async ({ actor, query }) => await scheduled.list(actor, query)),
    route(contracts.GetScheduledMessage, async ({ actor, params }) => await scheduled.get(actor, params.scheduledId)),
    route(
      contracts.ChangeScheduledMessage,
      async ({ actor, params, body }) => await scheduled.change(actor, { ...params, ...body })
    ),
    route(
      contracts.CancelScheduledMessage,
      async ({ actor, params }) => await scheduled.cancel(actor, params.scheduledId)
    )
  ]
}
