import * as contracts from '../../../protocol/accounts/qr-routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import { presentSignIn } from '../sign-in.ts'
import type { Authenticator } from '../tokens/authenticator.ts'
import type { QrService } from './qr.ts'
import type { QrStreams } from './qr-streams.ts'

interface QrRouteDeps {
  readonly qr: QrService
  readonly qrStreams: QrStreams
  readonly authenticator: Authenticator
}

const IMAGE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'"
}
const STREAM_HEADERS = { 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

/** Routes of signing in by QR codes. */
export function qrRoutes({ qr, qrStreams, authenticator }: QrRouteDeps): BoundRoute[] {
  return [
    route(contracts.CreateQr, async ({ actor, body }) => await qr.create(actor, body.device)),
    route(contracts.GetQr, async ({ params, query }) => await qr.status(params.token, query.deviceId)),
    route(contracts.GetQrImage, async ({ params, query }, reply) => {
      const { type, content } = await qr.image(params.token, query.format)
      reply.type(type).headers(IMAGE_HEADERS)
      return content as unknown as string
    }),
    route(contracts.WatchQr, async ({ params, query, ip }, reply) => {
      const stream = await qrStreams.open({ token: params.token, deviceId: query.deviceId, ip })
      reply.type('text/event-stream; charset=utf-8').headers(STREAM_HEADERS)
      return stream as unknown as string
    }),
    route(
      contracts.ApproveQr,
      async ({ actor, params, body }) => await qr.approve(actor, params.token, body.matchCode)
    ),
    route(contracts.RefuseQr, async ({ actor, params }) => await qr.refuse(actor, params.token)),
    route(
      contracts.LoginByQr,
      async ({ params, body }) => await presentSignIn(authenticator, await qr.login(params.token, body))
    )
  ]
}
