import { MARGIN_MS } from '../../streams/recent-positions.ts'
import { NOTHING_SENT, type OutboundEvent, type WasSent } from '../connection.ts'

/** Events that may wait for a connection that is still catching up. */
const MAX_WAITING = 1_000

/** An event that waits, with how it is encoded. */
interface Waiting<Encoded> {
  readonly outbound: OutboundEvent
  readonly encoded: Encoded
}

/**
 * The events of a connection while its client catches up: they wait, and what the client has been sent meanwhile is not
 * sent again. That goes for what comes late, too: a change can be read from the store before this process hears of it.
 */
export class CatchUp<Encoded> {
  /** Undefined once the client is live. */
  #waiting: Waiting<Encoded>[] | undefined = []
  #wasSent = NOTHING_SENT
  #forgetting: NodeJS.Timeout | undefined

  get isOver(): boolean {
    return this.#waiting === undefined
  }

  /**
   * Takes an event.
   * @returns `send` when it is to be sent now, `done` when it waits or was sent before, `full` when too many wait: the
   * client has to come back and catch up anew
   */
  take(outbound: OutboundEvent, encoded: Encoded): 'send' | 'done' | 'full' {
    if (this.#waiting === undefined) return this.#wasSent(outbound) ? 'done' : 'send'
    this.#waiting.push({ outbound, encoded })
    return this.#waiting.length <= MAX_WAITING ? 'done' : 'full'
  }

  /** The client is live. @returns the events that waited, without what the client was sent already */
  end(wasSent: WasSent): Waiting<Encoded>[] {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    this.#remember(wasSent)
    return waiting.filter(({ outbound }) => !wasSent(outbound))
  }

  /** The client is gone. */
  stop(): void {
    this.end(NOTHING_SENT)
  }

  /** Remembers what was sent until every change of before has been heard. */
  #remember(wasSent: WasSent): void {
    clearTimeout(this.#forgetting)
    this.#wasSent = wasSent
    if (wasSent === NOTHING_SENT) return
    this.#forgetting = setTimeout(() => {
      this.#wasSent = NOTHING_SENT
    }, MARGIN_MS).unref()
  }
}
