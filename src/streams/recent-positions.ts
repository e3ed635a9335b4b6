import { bareId } from '../../protocol/ids.ts'

/** What a connection was told of longer ago than this is everything that there was up to then, ms. */
export const MARGIN_MS = 15_000
/** Conversations whose place is named. */
export const MAX_NAMED = 40

/**
 * How far a client is that keeps no cursors, in few words: a moment, and the place (a `rev` or a `seq`) in every
 * conversation that moved within the margin before it. What moved earlier had been sent by then.
 */
export class RecentPositions {
  /** A plain map: every stream has one, of few entries, and a cache would weigh more than they do. */
  readonly #places = new Map<string, { place: number; at: number }>()

  /** @param conversationId in either form */
  note(conversationId: string, place: number, now: number): void {
    const id = bareId(conversationId)
    const before = this.#places.get(id)?.place ?? 0
    this.#places.delete(id)
    this.#places.set(id, { place: Math.max(place, before), at: now })
    for (const [oldest, { at }] of this.#places) {
      if (now - at <= MARGIN_MS && this.#places.size <= MAX_NAMED) break
      this.#places.delete(oldest)
    }
  }

  /** By id (24 hexadecimal digits), those of the last seconds. */
  get recent(): Map<string, number> {
    return new Map([...this.#places].map(([id, { place }]) => [id, place]))
  }
}
