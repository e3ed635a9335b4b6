import { type Static, Type } from '@sinclair/typebox'
import { QrLoginId, SessionId } from '../ids.ts'
import { closed, oneOf, Timestamp } from '../schema.ts'
import { Device, Me } from '../users/entities.ts'

/** Login on one device. */
export const Session = closed({
  id: SessionId,
  device: Type.Optional(Device),
  createdAt: Timestamp,
  lastSeenAt: Timestamp,
  expiresAt: Timestamp,
  isCurrent: Type.Boolean()
})
export type Session = Static<typeof Session>

/** Login as its person's other devices are told of it. */
export const SessionRef = Type.Pick(Session, ['id', 'device', 'createdAt'], { additionalProperties: false })
export type SessionRef = Static<typeof SessionRef>

/** A refresh token as examples show it. */
export const REFRESH_TOKEN = 'Zk0p5oq3mV9b8Xw2cR7tYh1sLd4fGj6aKe0uNiQvPxM'

/** Reply to a sign-in. `expiresInMs`: life of the access token. */
export const SignedIn = closed({
  user: Me,
  sessionId: SessionId,
  accessToken: Type.String({
    examples: ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI2NGI3ZjBjMmExZDNlNGY1YTZiN2M4ZDkifQ.c2lnbmF0dXJl']
  }),
  refreshToken: Type.String({ examples: [REFRESH_TOKEN] }),
  expiresInMs: Type.Integer({ examples: [900_000] })
})
export type SignedIn = Static<typeof SignedIn>

/** Prefix of the token in the picture of a code. */
export const QR_PREFIX = 'parley:qr:'

/** Name of a code, which the picture holds: no secret to who sees it, and nothing that others can guess. */
export const QrToken = Type.String({
  pattern: '^[A-Za-z0-9_-]{43}$',
  maxLength: 43,
  examples: ['Zk0p5oq3mV9b8Xw2cR7tYh1sLd4fGj6aKe0uNiQvPxM']
})

/** Two digits, shown on both devices: who approves says that they are the same. */
export const MatchCode = Type.String({ pattern: '^[0-9]{2}$', maxLength: 2, examples: ['42'] })

/**
 * `pending`: nobody has used it; `scanned`: a device has presented a code that a person made, and waits for that
 * person; `approved`: the device may sign in; `used`, `refused`, `expired`: over.
 */
export const QrStatus = oneOf('pending', 'scanned', 'approved', 'used', 'refused', 'expired')
export type QrStatus = Static<typeof QrStatus>

/** Proof that a code is a device's own. */
export const DeviceSecret = Type.String({
  description:
    'In no picture. The answer to creation has it; for a code that somebody shows, the device makes up 32 random bytes.',
  pattern: '^[A-Za-z0-9_-]{43}$',
  maxLength: 43,
  examples: ['q8Zr2LwX0vNfKd7TtYp4sJhGcB1mEu6AiO9kR3yQxWc']
})

/** State of a code. `matchCode` and `device` are there as soon as the device is known that would be signed in. */
export const QrState = closed({
  id: QrLoginId,
  status: QrStatus,
  matchCode: Type.Optional(MatchCode),
  device: Type.Optional(Type.Pick(Device, ['platform', 'name'])),
  expiresAt: Timestamp
})
export type QrState = Static<typeof QrState>

/** A new code, for whoever made it. `url` is what its picture holds; `deviceSecret` is there for a device that made it. */
export const QrLogin = closed({
  id: QrLoginId,
  token: QrToken,
  status: QrStatus,
  matchCode: Type.Optional(MatchCode),
  deviceSecret: Type.Optional(DeviceSecret),
  url: Type.String({ examples: [`${QR_PREFIX}Zk0p5oq3mV9b8Xw2cR7tYh1sLd4fGj6aKe0uNiQvPxM`] }),
  expiresAt: Timestamp
})
export type QrLogin = Static<typeof QrLogin>
