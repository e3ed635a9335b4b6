import type { Encoder, OutboundEvent } from '../../realtime/connection.ts'
import type { DialectEvent, EventWriter } from '../../realtime/encoding/dialect-encoder.ts'
import type { EncodedTally } from '../../realtime/encoding/encoded-counts.ts'
import type { StreamConnection } from './connection.ts'
import { encodeCanonical, encodeFields } from './fields.ts'

/** Canonical events as server-sent events. */
export class SseEncoder implements Encoder {
  /** A stream has nothing to subscribe with. */
  readonly presenceScope = 'peers'
  readonly #encoded: EncodedTally

  constructor(encoded: EncodedTally) {
    this.#encoded = encoded
  }

  send(outbound: OutboundEvent, connections: readonly StreamConnection[]): void {
    if (outbound.event.type === 'noop') return
    const text = encodeCanonical(outbound)
    this.#encoded.count(outbound.event.type)
    for (const connection of connections) connection.send(outbound, text)
  }
}

/** Events of a dialect as server-sent events. */
export class SseWriter implements EventWriter {
  readonly #encoded: EncodedTally

  constructor(encoded: EncodedTally) {
    this.#encoded = encoded
  }

  write({ name, data }: DialectEvent, outbound: OutboundEvent, connections: readonly StreamConnection[]): void {
    const text = encodeFields(name, data)
    this.#encoded.count(outbound.event.type)
    for (const connection of connections) connection.send(outbound, text)
  }
}
