import type { Framing } from '../close-counts.ts'

/** Counts of events encoded in one framing and one dialect, by canonical type. */
export class EncodedTally {
  readonly vocabulary: string
  readonly framing: string
  readonly byEvent = new Map<string, number>()

  constructor(vocabulary: string, framing: string) {
    this.vocabulary = vocabulary
    this.framing = framing
  }

  /** Counts one event that was put into bytes, for however many connections. */
  count(event: string): void {
    this.byEvent.set(event, (this.byEvent.get(event) ?? 0) + 1)
  }
}

/** The tallies of every encoder of live events. */
export class EncodedCounts {
  readonly #tallies = new Map<string, EncodedTally>()

  /** The tally of one dialect, or of the canonical events, in one framing. */
  tally(vocabulary: string, framing: Framing): EncodedTally {
    const key = `${vocabulary} ${framing}`
    const tally = this.#tallies.get(key) ?? new EncodedTally(vocabulary, framing)
    this.#tallies.set(key, tally)
    return tally
  }

  /** List the counts that are not zero. */
  *all(): Iterable<{ vocabulary: string; framing: string; event: string; count: number }> {
    for (const { vocabulary, framing, byEvent } of this.#tallies.values()) {
      for (const [event, count] of byEvent) yield { vocabulary, framing, event, count }
    }
  }
}
