import { bareId } from '../../protocol/ids.ts'

/** Age from which the events sent to a connection are complete, ms. */
export const MARGIN_MS = 15_000
/** Age from which the moment of an id says nothing any more, ms: by then, unless configured otherwise, a session has ended. */
export const MAX_AGE_MS = 30 * 24 * 3_600_000
/** Conversations whose position is kept. */
export const MAX_NAMED = 40

/**
 * Position of a client that keeps no cursors, in short: a moment, and the position (a `rev` or a `seq`) in every
 * conversation that moved within the margin before it. What moved earlier had been sent by then.
 */
export class RecentPositions {
  /** A plain map: every stream has one, of few entries, and a cache would weigh more than they do. */
  readonly #positions = new Map<string, { place: number; at: number }>()

  /** @param conversationId in either form */
  note(conversationId: string, place: number, now: number): void {
    const id = bareId(conversationId)
    const before = this.#positions.get(id)?.place ?? 0
    this.#positions.delete(id)
    this.#positions.set(id, { place: Math.max(place, before), at: now })
    for (const [oldest, { at }] of this.#positions) {
      if (now - at <= MARGIN_MS && this.#positions.size <= MAX_NAMED) break
      this.#positions.delete(oldest)
    }
  }

  /** By id (24 hexadecimal digits), those of the last seconds. */
  get recent(): Map<string, number> {
    return new Map([...this.#positions].map(([id, { place }]) => [id, place]))
  }
}
