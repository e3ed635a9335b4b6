import type { Encoder, OutboundEvent } from '../../realtime/connection.ts'
import type { DialectEvent, EventWriter } from '../../realtime/dialect-encoder.ts'
import type { EncodedTally } from '../../realtime/encoded-counts.ts'
import type { StreamConnection } from './connection.ts'

/** The two fields of an event that are the same for everybody. JSON has no line breaks. */
export function encodeFields(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n`
}

/** The fields of a canonical event; the data is what a frame of the socket holds besides its type. */
export function encodeCanonical({ event: { type, data }, stream, rev }: OutboundEvent): string {
  return encodeFields(type, stream === undefined ? { data } : { stream, rev, data })
}

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
