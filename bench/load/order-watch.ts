/** Faults in the order of a conversation; all zero when there are none. */
export interface OrderFaults {
  /** Messages that a member got after a later one of the same sender. */
  readonly overtaken: number
  /** Messages that a member got twice. */
  readonly doubled: number
  /** Observers (members who do not send) whose order of all messages differs from the first one's. */
  readonly disagreeing: number
}

/** Watches one conversation: what each member gets, in which order. */
export class OrderWatch {
  readonly #senders: number
  readonly #last: Map<number, Int32Array> = new Map()
  readonly #seen: Map<number, Set<number>> = new Map()
  readonly #hash: Map<number, number> = new Map()
  #overtaken = 0
  #doubled = 0

  /** @param senders how many of the first places send; the places after them observe */
  constructor(senders: number) {
    this.#senders = senders
  }

  /** Place `receiver` got message `n` of place `sender`; a sender's numbers rise in the order of sending. */
  note(receiver: number, sender: number, n: number): void {
    const seen = this.#of(this.#seen, receiver, () => new Set<number>())
    if (seen.has(n)) this.#doubled++
    seen.add(n)
    const last = this.#of(this.#last, receiver, () => new Int32Array(this.#senders))
    if (n < (last[sender] ?? 0)) this.#overtaken++
    else last[sender] = n
    if (receiver >= this.#senders) this.#hash.set(receiver, (Math.imul(this.#hash.get(receiver) ?? 17, 31) + n) | 0)
  }

  faults(): OrderFaults {
    const [first, ...others] = [...this.#hash.values()]
    const disagreeing = others.filter(hash => hash !== first).length
    return { overtaken: this.#overtaken, doubled: this.#doubled, disagreeing }
  }

  #of<Value>(map: Map<number, Value>, key: number, create: () => Value): Value {
    const known = map.get(key)
    if (known !== undefined) return known
    const created = create()
    map.set(key, created)
    return created
  }
}
