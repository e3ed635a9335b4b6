import { timingSafeEqual } from 'node:crypto'
import type { Device } from '../../../protocol/users/entities.ts'
import { sha256Of } from '../tokens/secrets.ts'

/**
 * Evidence, besides its id, that it is one device that asks again: a secret that nobody else has; or, of apps that have
 * none, the program that it runs (`User-Agent`), which others run too.
 */
interface DeviceProof {
  readonly kind: 'secret' | 'program'
  readonly text: string
}

/** Device that presents a code. */
export interface Presenter {
  readonly device: Device
  readonly proof: DeviceProof
}

/** Evidence as it is stored. */
export interface StoredProof {
  kind: DeviceProof['kind']
  /** SHA-256. */
  hash: string
}

export function storedProof({ kind, text }: DeviceProof): StoredProof {
  return { kind, hash: sha256Of(text) }
}

/** Whether the two are the same. Takes as long whatever the difference is. */
export function isSameProof(stored: StoredProof | undefined, given: DeviceProof): boolean {
  const { kind, hash } = storedProof(given)
  return stored?.kind === kind && timingSafeEqual(Buffer.from(stored.hash), Buffer.from(hash))
}
