import type { FastifyPluginAsync } from 'fastify'
import type { Services } from '../../services/index.ts'
import type { Authenticator } from '../auth.ts'
import { authRoutes } from './auth.ts'
import { conversationRoutes } from './conversations.ts'
import { memberRoutes } from './members.ts'
import { messageRoutes } from './messages.ts'
import { preferenceRoutes } from './preferences.ts'
import { presenceRoutes } from './presence.ts'
import { userRoutes } from './users.ts'

/** Every canonical route. */
export const apiRoutes: FastifyPluginAsync<{ services: Services; authenticator: Authenticator }> = async (
  app,
  { services, authenticator }
) => {
  await app.register(authRoutes, { services, authenticator })
  const all = [userRoutes, presenceRoutes, conversationRoutes, memberRoutes, messageRoutes, preferenceRoutes]
  for (const routes of all) {
    await app.register(routes, { services })
  }
}
