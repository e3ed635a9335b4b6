import type { FastifyPluginAsync } from 'fastify'
import { otpRoutes } from '../../accounts/codes/rest.ts'
import { qrRoutes } from '../../accounts/qr/rest.ts'
import { authRoutes } from '../../accounts/rest.ts'
import type { Authenticator } from '../../accounts/tokens/authenticator.ts'
import type { Config } from '../../config/config.ts'
import { conversationRoutes } from '../../conversations/rest.ts'
import { memberRoutes } from '../../conversations/rest-members.ts'
import { preferenceRoutes } from '../../conversations/rest-preferences.ts'
import { messageRoutes } from '../../messages/rest.ts'
import { presenceRoutes } from '../../presence/rest.ts'
import type { Services } from '../../services.ts'
import { userRoutes } from '../../users/rest.ts'
import { peopleRoutes } from '../../users/rest-people.ts'

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
