/** Turns of one bucket that are kept at once: of all parties, and of one, so that it leaves some to the others. */
const MAX_TURNS = 256
const MAX_TURNS_EACH = 192
/** Time for which a turn is kept for who comes late, ms. */
const KEPT_MS = 5_000
/** Time by which the timer of a client may be early, ms. */
const EARLY_MS = 1

/** Turn of a party that was refused: from its time on there is one for this party, and for nobody else. */
interface Turn {
  readonly party: string
  readonly dueAt: number
}

/** Turns of those who were refused and told when to come back, in the order in which they were. */
export class Turns {
  readonly #turns: Turn[] = []

  /** Uses a turn that is due for a party. @returns whether there was one */
  use(party: string, now: number): boolean {
    const index = this.#turns.findIndex(turn => turn.party === party && turn.dueAt - EARLY_MS <= now)
    if (index >= 0) this.#turns.splice(index, 1)
    return index >= 0
  }

  /** Keeps a turn. @returns false where too many are kept already */
  keep(turn: Turn): boolean {
    const { length: ofParty } = this.#turns.filter(({ party }) => party === turn.party)
    const hasRoom = this.#turns.length < MAX_TURNS && ofParty < MAX_TURNS_EACH
    if (hasRoom) this.#turns.push(turn)
    return hasRoom
  }

  /** Forgets the turns to which nobody came. @returns how many */
  forget(now: number): number {
    const kept = this.#turns.findIndex(({ dueAt }) => dueAt + KEPT_MS >= now)
    return this.#turns.splice(0, kept < 0 ? this.#turns.length : kept).length
  }
}
