import type { OutboundEvent, WasSent } from '../connection.ts'

/** Events that may wait for a connection that is still catching up. */
const MAX_PENDING = 1_000

/** Holds the events of a connection back, each with how it is encoded, until its client has caught up. */
export class PendingQueue<Encoded> {
  readonly #items: { readonly outbound: OutboundEvent; readonly encoded: Encoded }[] = []

  /** Holds an event back. @returns false when too many wait: the client has to come back and catch up anew */
  hold(outbound: OutboundEvent, encoded: Encoded): boolean {
    this.#items.push({ outbound, encoded })
    return this.#items.length <= MAX_PENDING
  }

  /** The events that waited, without what the client was sent already. */
  release(wasSent: WasSent): { readonly outbound: OutboundEvent; readonly encoded: Encoded }[] {
    return this.#items.filter(({ outbound }) => !wasSent(outbound))
  }
}
