import { Value } from '@sinclair/typebox/value'
import type { FastifyPluginAsync } from 'fastify'
import { MAX_WATCHED } from '../../protocol/events/live.ts'
import { UserId } from '../../protocol/ids.ts'
import { CountPresence, SetPresence } from '../../protocol/routes/people.ts'
import { GetPresence } from '../../protocol/routes/users.ts'
import { AppError } from '../errors.ts'
import { register } from '../faces/http/route.ts'
import type { Services } from '../services.ts'

/** REST face of presence. */
export const presenceRoutes: FastifyPluginAsync<{ services: Services }> = async (app, { services: { presence } }) => {
  register(app, GetPresence, async ({ actor, query }) => {
    const ids = [...new Set(query.ids.split(','))]
    const areIds = ids.length <= MAX_WATCHED && ids.every(id => Value.Check(UserId, id))
    if (!areIds) throw new AppError('invalid', `ids: at most ${MAX_WATCHED} user ids, separated by commas`)
    return { presence: await presence.get(actor, ids) }
  })
  register(app, CountPresence, async () => await Promise.resolve({ count: presence.onlineCount() }))
  register(app, SetPresence, async ({ actor, body }) => {
    presence.setStatus(actor, body.status)
    return await Promise.resolve()
  })
}
