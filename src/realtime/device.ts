import { hash } from 'node:crypto'
import type { Actor } from '../actor.ts'
import type { DeviceClient } from '../streams/positions.ts'

/**
 * Device of an actor: the session; with a token of an existing user system, which belongs to none, the name that the
 * client gives, or where it gives none the token.
 */
export function deviceOf(
  { sessionId, tokenId = '' }: Actor,
  named: string | undefined
): Pick<DeviceClient, 'deviceId' | 'isByToken'> {
  if (sessionId !== undefined) return { deviceId: sessionId, isByToken: false }
  if (named === undefined) return { deviceId: tokenId, isByToken: true }
  return { deviceId: `named:${hash('sha256', named, 'base64url')}`, isByToken: false }
}
