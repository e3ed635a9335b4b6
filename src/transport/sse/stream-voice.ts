import type { OutboundEvent, Voice } from '../connection.ts'
import type { EncodedTally } from '../encoded.ts'
import type { Framing, Spoken } from '../vocabulary.ts'
import type { StreamConnection } from './connection.ts'

/** The two fields of an event that are the same for everybody. JSON has no line breaks. */
export function encodeFields(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n`
}

/** The canonical words as server-sent events; the data is what a frame of the socket holds besides its type. */
export class StreamVoice implements Voice {
  /** There is nothing to ask with. */
  readonly watches = 'peers'
  readonly #encoded: EncodedTally

  constructor(encoded: EncodedTally) {
    this.#encoded = encoded
  }

  tell(outbound: OutboundEvent, connections: readonly StreamConnection[]): void {
    if (outbound.event.type === 'noop') return
    const text = encodeCanonical(outbound)
    this.#encoded.count(outbound.event.type)
    for (const connection of connections) connection.send(outbound, text)
  }
}

/** The fields of a canonical event. */
export function encodeCanonical({ event: { type, data }, stream, rev }: OutboundEvent): string {
  return encodeFields(type, stream === undefined ? { data } : { stream, rev, data })
}

/** The words of a dialect as server-sent events. */
export class StreamFraming implements Framing {
  readonly #encoded: EncodedTally

  constructor(encoded: EncodedTally) {
    this.#encoded = encoded
  }

  emit({ name, data }: Spoken, outbound: OutboundEvent, connections: readonly StreamConnection[]): void {
    const text = encodeFields(name, data)
    this.#encoded.count(outbound.event.type)
    for (const connection of connections) connection.send(outbound, text)
  }
}
