import type { FastifyPluginAsync } from 'fastify'
import { GetMe, GetUser, SearchUsers, UpdateMe } from '../../protocol/routes/users.ts'
import { register } from '../faces/http/route.ts'
import type { Services } from '../services.ts'

/** REST face of profiles. */
export const userRoutes: FastifyPluginAsync<{ services: Pick<Services, 'users'> }> = async (app, { services }) => {
  const { users } = services
  register(app, GetMe, async ({ actor }) => await users.me(actor))
  register(app, UpdateMe, async ({ actor, body }) => await users.update(actor, body))
  register(app, GetUser, async ({ actor, params }) => await users.get(actor, params.userId))
  register(app, SearchUsers, async ({ actor, query }) => ({
    users: await users.search(actor, query.q, query.limit)
  }))
}
