import type { Told, Voice } from '../connection.ts'
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

  tell(event: Told, connections: readonly StreamConnection[]): void {
    if (event.type === 'noop') return
    const text = encodeCanonical(event)
    this.#encoded.count(event.type)
    for (const connection of connections) connection.send(event, text)
  }
}

/** The fields of a canonical event. */
export function encodeCanonical({ type, stream, rev, data }: Told): string {
  return encodeFields(type, stream === undefined ? { data } : { stream, rev, data })
}

/** The words of a dialect as server-sent events. */
export class StreamFraming implements Framing {
  readonly #encoded: EncodedTally

  constructor(encoded: EncodedTally) {
    this.#encoded = encoded
  }

  emit({ name, data }: Spoken, event: Told, connections: readonly StreamConnection[]): void {
    const text = encodeFields(name, data)
    this.#encoded.count(event.type)
    for (const connection of connections) connection.send(event, text)
  }
}
