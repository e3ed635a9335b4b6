import type { QrState } from '../../../protocol/accounts/entities.ts'
import { prefixedId } from '../../../protocol/ids.ts'
import type { Actor } from '../../actor.ts'
import { ObjectId } from '../../database/object-id.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { isSameProof } from './device-proof.ts'
import type { QrLoginDoc, QrPerson } from './store.ts'

/** Code as it is stored, but for its token. */
export type CodeDoc = Omit<QrLoginDoc, 'tokenHash'>

/** Viewer of a code: somebody who is signed in, or a device by its secret. */
export interface Viewer {
  readonly actor: Actor | null
  readonly deviceSecret?: string | undefined
}

/**
 * Whether a code may be told of: to who is signed in, unless another person made it; and to the device whose code it is
 * or may become.
 */
export function mayView({ makerId, proof }: CodeDoc, { actor, deviceSecret }: Viewer): boolean {
  if (actor) return !makerId || makerId.toHexString() === actor.userId
  if (deviceSecret === undefined) return false
  return proof === undefined || isSameProof(proof, { kind: 'secret', text: deviceSecret })
}

export function presentState({ _id, status, device, matchCode, expiresAt }: CodeDoc, now: Date): QrState {
  const isOver = status === 'used' || status === 'refused'
  const { platform, name } = device ?? {}
  return {
    id: prefixedId('qr', _id.toHexString()),
    status: expiresAt <= now && !isOver ? 'expired' : status,
    ...omitUndefined({ matchCode: device && matchCode, device: device && omitUndefined({ platform, name }) }),
    expiresAt: expiresAt.toISOString()
  }
}

export function personOf({ userId, sessionId, expiresAt }: Actor): QrPerson {
  const source =
    sessionId === undefined ? { tokenExpiresAt: new Date(expiresAt) } : { sessionId: new ObjectId(sessionId) }
  return { userId: new ObjectId(userId), ...source }
}

export function isDecidedBy({ decidedBy }: CodeDoc, { userId }: Actor): boolean {
  return decidedBy?.userId.toHexString() === userId
}
