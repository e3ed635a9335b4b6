import * as contracts from '../../../protocol/accounts/qr-routes.ts'
import { type BoundRoute, type CountedBy, route } from '../../contract/route.ts'
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
  const countedBy: CountedBy = ({ params }) => qr.keyOf(Object(params).token)
  return [
    route(contracts.CreateQr, async ({ actor, body, ip }) => await qr.create({ actor, device: body.device, ip })),
    route(
      contracts.GetQr,
      async ({ actor, params, headers }) =>
        await qr.status(params.token, { actor, deviceSecret: headers['device-secret'] }),
      { countedBy }
    ),
    route(
      contracts.GetQrImage,
      async ({ params, query, ip }, reply) => {
        const { type, content } = await qr.image(params.token, ip, query.format)
        reply.type(type).headers(IMAGE_HEADERS)
        return content
      },
      { countedBy }
    ),
    route(
      contracts.WatchQr,
      async ({ actor, params, headers, ip }, reply) => {
        const viewer = { actor, deviceSecret: headers['device-secret'] }
        const stream = await qrStreams.open({ token: params.token, viewer, ip })
        reply.type('text/event-stream; charset=utf-8').headers(STREAM_HEADERS)
        return stream
      },
      { countedBy }
    ),
    route(
      contracts.ApproveQr,
      async ({ actor, params, body }) => await qr.approve(actor, params.token, body.matchCode)
    ),
    route(contracts.RefuseQr, async ({ actor, params }) => await qr.refuse(actor, params.token)),
    route(
      contracts.LoginByQr,
      async ({ params, body: { deviceId, deviceSecret, device } }) => {
        const presenter = {
          device: { ...device, id: deviceId },
          proof: { kind: 'secret', text: deviceSecret }
        } as const
        return await presentSignIn(authenticator, await qr.login(params.token, presenter))
      },
      { countedBy }
    )
  ]
}
