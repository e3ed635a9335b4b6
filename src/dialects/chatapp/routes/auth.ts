import { createHash } from 'node:crypto'
import { type Static, Type } from '@sinclair/typebox'
import { MatchCode, QR_PREFIX } from '../../../../protocol/accounts/entities.ts'
import { prefixedId } from '../../../../protocol/ids.ts'
import { Device } from '../../../../protocol/users/entities.ts'
import { UNNAMED_DEVICE } from '../../../accounts/index.ts'
import type { Actor } from '../../../actor.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { bearerToken } from '../../../realtime/credential.ts'
import { type Call, type DialectDeps, type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import * as answers from '../answers.ts'

const DeviceInfo = Type.Object({
  platform: Type.Optional(Type.String({ maxLength: 256 })),
  deviceId: Type.Optional(Type.String({ maxLength: 256 })),
  userAgent: Type.Optional(Type.String({ maxLength: 1_024 }))
})
type DeviceInfo = Static<typeof DeviceInfo>

/** As the picture holds it, or the token alone. */
const QrCode = Type.String({ maxLength: 64, pattern: `^(${QR_PREFIX})?[A-Za-z0-9_-]+$` })
const params = Type.Object({ token: QrCode })
const tokenOf = (code: string): string => (code.startsWith(QR_PREFIX) ? code.slice(QR_PREFIX.length) : code)
const programOf = ({ headers }: Pick<Call<unknown, unknown, unknown>, 'headers'>): string =>
  String(headers['user-agent'])

/** Document 2, "API Structure": signing in by a picture, and staying signed in. */
export function authRoutes(deps: DialectDeps): DialectRoute[] {
  return [...qrRoutes(deps), approveRoute(deps), ...signInRoutes(deps)]
}

function qrRoutes({ services: { qr }, authenticator }: DialectDeps): DialectRoute[] {
  /** Actor of a call, if somebody is signed in. */
  const actorOf = async ({ headers }: Pick<Call<unknown, unknown, unknown>, 'headers'>): Promise<Actor | undefined> => {
    const { authorization } = headers
    if (typeof authorization !== 'string') return undefined
    return await authenticator.authenticate(bearerToken(authorization) ?? authorization)
  }
  return [
    dialectRoute(
      'POST /api/auth/qr',
      {
        summary: 'A code: of who is signed in, or of a new device',
        answer: answers.NewCode,
        body: Type.Object({ deviceInfo: Type.Optional(DeviceInfo) }),
        isPublic: true,
        status: 201
      },
      async call => {
        const actor = await actorOf(call)
        const device = deviceOf(call.body.deviceInfo, call)
        const code = await qr.create({ actor, device, program: programOf(call), ip: call.ip })
        const { id, token, status, url, expiresAt, matchCode } = code
        const expiresIn = Date.parse(expiresAt) - Date.now()
        const answer = { success: true, qrId: id, qrToken: token, url, status, expiresAt, expiresIn }
        return { ...answer, ...omitUndefined({ matchCode }) }
      }
    ),
    dialectRoute(
      'GET /api/auth/qr/:token',
      {
        summary: 'Where a code is',
        answer: answers.Code,
        params,
        isPublic: true,
        countedBy: ({ params }) => qr.keyOf(Object(params).token)
      },
      async ({ params: { token } }) => {
        const { id, status, expiresAt } = await qr.progress(tokenOf(token))
        return { success: true, qrId: id, status, isUsed: status === 'used', expiresAt }
      }
    )
  ]
}

function approveRoute({ services: { qr } }: DialectDeps): DialectRoute {
  return dialectRoute(
    'POST /api/auth/qr/:token/approve',
    {
      summary: 'Let the device in that shows the code, or has scanned it',
      answer: answers.ApprovedCode,
      params,
      body: Type.Object({ matchCode: Type.Optional(MatchCode) })
    },
    async ({ actor, params: { token }, body: { matchCode } }) => {
      const { id, status, expiresAt } = await qr.approve(actor, tokenOf(token), matchCode)
      return { success: true, qrId: id, status, expiresAt }
    }
  )
}

function signInRoutes({ services: { auth, qr }, authenticator }: DialectDeps): DialectRoute[] {
  return [
    dialectRoute(
      'POST /api/auth/login',
      {
        summary: 'Sign in by a code',
        answer: answers.SignedIn,
        body: Type.Object({ qrToken: QrCode, deviceInfo: Type.Optional(DeviceInfo) }),
        isPublic: true,
        isProvedByBody: true,
        countedBy: ({ body }) => qr.keyOf(Object(body).qrToken)
      },
      async call => {
        const { qrToken, deviceInfo } = call.body
        const presenter = {
          device: deviceOf(deviceInfo, call),
          proof: { kind: 'program', text: programOf(call) }
        } as const
        const signIn = await qr.login(tokenOf(qrToken), presenter)
        return {
          success: true,
          userId: prefixedId('user', signIn.userId),
          token: await authenticator.sign(signIn),
          refreshToken: signIn.refreshToken,
          message: 'Logged in via QR'
        }
      }
    ),
    dialectRoute(
      'POST /api/auth/refresh',
      {
        summary: 'The next tokens of a session',
        answer: answers.Tokens,
        body: Type.Object({ refreshToken: Type.String({ maxLength: 1_024 }) }),
        isPublic: true,
        isProvedByBody: true
      },
      async ({ body, ip }) => {
        const session = await auth.refresh(body.refreshToken, ip)
        return {
          success: true,
          userId: prefixedId('user', session.userId),
          token: await authenticator.sign(session),
          refreshToken: session.refreshToken
        }
      }
    )
  ]
}

const DEVICE_ID = new RegExp(Device.properties.id.pattern ?? '')

/** The device that speaks; one that does not name itself is told by its address and its program. */
function deviceOf(
  { platform, deviceId, userAgent }: DeviceInfo = {},
  { ip, headers }: Pick<Call<unknown, unknown, unknown>, 'ip' | 'headers'>
): Device {
  const isId = deviceId !== undefined && deviceId.length <= 64 && DEVICE_ID.test(deviceId)
  const made =
    deviceId === undefined
      ? `${UNNAMED_DEVICE}${digest(`${ip} ${programOf({ headers })}`)}`
      : `device-${digest(deviceId)}`
  const name = readable(userAgent)
  const kind = readable(platform)?.slice(0, 32)
  return { id: isId ? deviceId : made, ...omitUndefined({ platform: kind || undefined, name: name || undefined }) }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** The beginning of a text, without what cannot be shown. */
function readable(text: string | undefined): string | undefined {
  return text
    ?.replace(/[\p{Cc}\p{Cs}]/gu, '')
    .slice(0, 64)
    .toWellFormed()
}
