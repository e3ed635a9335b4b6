import { Value } from '@sinclair/typebox/value'
import { UserId } from '../../protocol/ids.ts'
import { MAX_WATCHED } from '../../protocol/presence/events.ts'
import { CountPresence, GetPresence, SetPresence } from '../../protocol/presence/routes.ts'
import { type BoundRoute, route } from '../contract/route.ts'
import { AppError } from '../errors.ts'
import type { PresenceService } from './presence.ts'

/** Routes of presence. */
export function presenceRoutes({ presence }: { readonly presence: PresenceService }): BoundRoute[] {
  return [
    route(GetPresence, async ({ actor, query }) => {
      const ids = [...new Set(query.ids.split(','))]
      const areIds = ids.length <= MAX_WATCHED && ids.every(id => Value.Check(UserId, id))
      if (!areIds) throw new AppError('invalid', `ids: at most ${MAX_WATCHED} user ids, separated by commas`)
      return { presence: await presence.get(actor, ids) }
    }),
    route(CountPresence, async () => await Promise.resolve({ count: presence.onlineCount() })),
    route(SetPresence, async ({ actor, body }) => {
      presence.setStatus(actor, body.status)
      return await Promise.resolve()
    })
  ]
}
