import { boundedMap } from '../../limits/bounded-map.ts'
import type { FirstSend } from './change.ts'

/** Sends whose repeats are answered from memory; older ones are found by the unique index. */
const MAX_RECENT = 50_000

/** The newest sends of this process, to recognise repeats before they reach the database. */
export class IdempotencyCache {
  readonly #sends = boundedMap<FirstSend>(MAX_RECENT)

  static key(conversationId: string, senderId: string, clientId: string): string {
    return `${conversationId}:${senderId}:${clientId}`
  }

  get(key: string): FirstSend | undefined {
    return this.#sends.get(key)
  }

  /** Keeps of the message what answers a repeat, and not its content. */
  add(key: string, { _id, seq, createdRev, createdAt, bodyHash }: FirstSend): void {
    this.#sends.set(key, { _id, seq, createdRev, createdAt, bodyHash })
  }
}
