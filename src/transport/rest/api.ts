import type { FastifyPluginAsync } from 'fastify'
import type { Config } from '../../config.ts'
import type { Services } from '../../services/index.ts'
import type { Authenticator } from '../auth.ts'
import { authRoutes } from './auth.ts'
import { conversationRoutes } from './conversations.ts'
import { memberRoutes } from './members.ts'
import { messageRoutes } from './messages.ts'
import { otpRoutes } from './otp.ts'
import { peopleRoutes } from './people.ts'
import { preferenceRoutes } from './preferences.ts'
import { presenceRoutes } from './presence.ts'
import { qrRoutes } from './qr.ts'
import { userRoutes } from './users.ts'

/** Every canonical route. */
export const apiRoutes: FastifyPluginAsync<{
  services: Services
  authenticator: Authenticator
  config: Pick<Config, 'limits' | 'timings'>
}> = async (app, { services, authenticator, config }) => {
  await app.register(authRoutes, { services, authenticator })
  await app.register(otpRoutes, { services, authenticator })
  await app.register(qrRoutes, { services, authenticator, config })
  const all = [
    userRoutes,
    peopleRoutes,
    presenceRoutes,
    conversationRoutes,
    memberRoutes,
    messageRoutes,
    preferenceRoutes
  ]
  for (const routes of all) {
    await app.register(routes, { services })
  }
}
