import type { FastifyPluginAsync } from 'fastify'
import * as contracts from '../../../protocol/routes/qr.ts'
import type { Config } from '../../config.ts'
import type { Services } from '../../services/index.ts'
import type { Authenticator } from '../auth.ts'
import { QrStreams } from './qr-streams.ts'
import { register } from './route.ts'
import { presentSignIn } from './sign-in.ts'

interface Options {
  services: Pick<Services, 'qr'>
  authenticator: Authenticator
  config: Pick<Config, 'limits' | 'timings'>
}

/** REST face of signing in by QR codes. */
export const qrRoutes: FastifyPluginAsync<Options> = async (app, { services: { qr }, authenticator, config }) => {
  const streams = new QrStreams(qr, config)
  app.addHook('preClose', async () => streams.close())
  register(app, contracts.CreateQr, async ({ actor, body }) => await qr.create(actor, body.device))
  register(app, contracts.GetQr, async ({ params, query }) => await qr.status(params.token, query.deviceId))
  register(app, contracts.GetQrImage, async ({ params, query }, reply) => {
    const { type, content } = await qr.image(params.token, query.format)
    reply.type(type).headers({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'"
    })
    return content as unknown as string
  })
  register(app, contracts.WatchQr, async ({ params, query, ip }, reply) => {
    const stream = await streams.open({ token: params.token, deviceId: query.deviceId, ip })
    reply.type('text/event-stream; charset=utf-8').headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    return stream as unknown as string
  })
  register(app, contracts.ApproveQr, async ({ actor, params, body }) => qr.approve(actor, params.token, body.matchCode))
  register(app, contracts.RefuseQr, async ({ actor, params }) => await qr.refuse(actor, params.token))
  register(app, contracts.LoginByQr, async ({ params, body }) =>
    presentSignIn(authenticator, await qr.login(params.token, body))
  )
}
