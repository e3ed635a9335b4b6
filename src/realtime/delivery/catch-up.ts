import type { ReplayGate } from '../../streams/positions.ts'
import { MARGIN_MS } from '../../streams/recent-positions.ts'
import type { OutboundEvent } from '../connection.ts'

/** Events that may wait for a connection that is still catching up. */
const MAX_WAITING = 1_000

/** An event that waits, with how it is encoded. */
interface Waiting<Encoded> {
  readonly outbound: OutboundEvent
  readonly encoded: Encoded
}

/**
 * The events of a connection while its client catches up. They wait; or, where everything that was missed is read from
 * the store, only those wait that are in no stream: a stream goes on by itself as soon as it is level. What the client
 * has been sent is not sent again, also when this process hears of it late.
 */
export class CatchUp<Encoded> implements ReplayGate {
  /** Undefined once the client is live. */
  #waiting: Waiting<Encoded>[] | undefined = []
  #isRead = false
  /** The `rev` up to which the client was sent each stream that is level. */
  #level: Map<string, number> | undefined
  /** The last `rev` that was heard of each stream that is not. */
  #heard: Map<string, number> | undefined
  #forgetting: NodeJS.Timeout | undefined

  get isOver(): boolean {
    return this.#waiting === undefined
  }

  /** From now on what is heard of a stream is read again from the store, until that stream is level. */
  beginReplay(): void {
    this.#isRead = true
    const waiting = this.#waiting ?? []
    this.#waiting = waiting.filter(({ outbound }) => !this.#hear(outbound))
  }

  /**
   * Takes an event.
   * @returns `send` when it is to be sent now, `done` when it waits, is read again or was sent before, `full` when too
   * many wait: the client has to come back and catch up anew
   */
  take(outbound: OutboundEvent, encoded: Encoded): 'send' | 'done' | 'full' {
    const { stream = '', rev } = outbound
    const level = this.#level?.get(stream)
    if (rev !== undefined && level !== undefined) {
      if (rev <= level) return 'done'
      if (this.#isRead) return 'send'
    }
    if (this.#waiting === undefined) return 'send'
    if (this.#isRead && this.#hear(outbound)) return 'done'
    return this.#wait(this.#waiting, { outbound, encoded })
  }

  level(stream: string, rev: number): boolean {
    if (rev < (this.#heard?.get(stream) ?? 0)) return false
    this.#heard?.delete(stream)
    this.#level ??= new Map()
    this.#level.set(stream, rev)
    return true
  }

  forget(stream: string): void {
    this.#heard?.delete(stream)
  }

  get behind(): string | undefined {
    const [stream] = this.#heard?.keys() ?? []
    return stream
  }

  /** The client is live. @returns the events that waited, without what the client was sent already */
  end(): Waiting<Encoded>[] {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    const level = this.#level
    if (level === undefined) return waiting
    // By then every change of before has been heard.
    this.#forgetting = setTimeout(() => {
      this.#level = undefined
    }, MARGIN_MS).unref()
    return waiting.filter(
      ({ outbound: { stream = '', rev = Number.POSITIVE_INFINITY } }) => rev > (level.get(stream) ?? 0)
    )
  }

  /** The client is gone. */
  stop(): void {
    this.#waiting = undefined
    this.#level = undefined
    this.#heard = undefined
    clearTimeout(this.#forgetting)
  }

  #wait(waiting: Waiting<Encoded>[], one: Waiting<Encoded>): 'done' | 'full' {
    // What is in no stream may be lost.
    if (waiting.length === MAX_WAITING) return one.outbound.rev === undefined ? 'done' : 'full'
    waiting.push(one)
    return 'done'
  }

  /** Notes that an event of a stream was heard. @returns false for one that is in none */
  #hear({ stream, rev }: OutboundEvent): boolean {
    if (stream === undefined || rev === undefined) return false
    this.#heard ??= new Map()
    this.#heard.set(stream, Math.max(rev, this.#heard.get(stream) ?? 0))
    return true
  }
}
