import { type Static, Type } from '@sinclair/typebox'
import { SessionId } from '../ids.ts'
import { closed, Timestamp } from '../schema.ts'
import { Device, Me } from './user.ts'

/** One login on one device. */
export const Session = closed({
  id: SessionId,
  device: Type.Optional(Device),
  createdAt: Timestamp,
  lastSeenAt: Timestamp,
  expiresAt: Timestamp,
  isCurrent: Type.Boolean()
})
export type Session = Static<typeof Session>

/** What signing in answers. `expiresInMs`: life of the access token. */
export const SignedIn = closed({
  user: Me,
  sessionId: SessionId,
  accessToken: Type.String(),
  refreshToken: Type.String(),
  expiresInMs: Type.Integer()
})
export type SignedIn = Static<typeof SignedIn>
