import { encodeDurable, encodeEphemeral } from '../../../protocol/envelope.ts'
import type { Encoder, OutboundEvent } from '../../realtime/connection.ts'
import type { DialectEvent, EventWriter } from '../../realtime/encoding/dialect-encoder.ts'
import type { EncodedTally } from '../../realtime/encoding/encoded-counts.ts'
import type { SocketConnection } from './connection.ts'
import { textFrame } from './frame-batch.ts'

/** Canonical events in raw frames: one prebuilt frame, shared by all. */
export class FrameEncoder implements Encoder {
  readonly #encoded: EncodedTally

  constructor(encoded: EncodedTally) {
    this.#encoded = encoded
  }

  send(outbound: OutboundEvent, connections: readonly SocketConnection[]): void {
    const { type, data } = outbound.event
    this.#encoded.count(type)
    const frame = encode({ name: type, data }, outbound)
    for (const connection of connections) connection.sendEvent(frame, outbound)
  }
}

/** Events of a dialect in raw frames. Clients that keep cursors find `stream` and `rev` where they always are. */
export class FrameWriter implements EventWriter {
  readonly #encoded: EncodedTally

  constructor(encoded: EncodedTally) {
    this.#encoded = encoded
  }

  write(translated: DialectEvent, outbound: OutboundEvent, connections: readonly SocketConnection[]): void {
    this.#encoded.count(outbound.event.type)
    const frame = encode(translated, outbound)
    for (const connection of connections) connection.sendEvent(frame, outbound)
  }

  /** Sends what a client has missed, ahead of what happens meanwhile. */
  writeMissed(translated: DialectEvent, outbound: OutboundEvent, connection: SocketConnection): void {
    connection.sendNow(encode(translated, outbound), outbound)
  }
}

function encode({ name, data }: Pick<DialectEvent, 'name' | 'data'>, { stream, rev }: OutboundEvent): Buffer {
  const isDurable = stream !== undefined && rev !== undefined
  return textFrame(isDurable ? encodeDurable(name, stream, rev, data) : encodeEphemeral(name, data))
}
