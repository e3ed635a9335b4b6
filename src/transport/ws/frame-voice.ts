import { encodeDurable, encodeEphemeral } from '../../../protocol/envelope.ts'
import type { Arrivals } from '../arrivals.ts'
import type { OutboundEvent, Voice } from '../connection.ts'
import type { EncodedTally } from '../encoded.ts'
import type { Framing, Spoken } from '../vocabulary.ts'
import type { Place, SocketConnection } from './connection.ts'
import { textFrame } from './frames.ts'

/** The canonical words in raw frames: one prebuilt frame, shared by all. */
export class FrameVoice implements Voice {
  readonly #encoded: EncodedTally

  constructor(encoded: EncodedTally) {
    this.#encoded = encoded
  }

  tell({ event: { type, data }, stream, rev }: OutboundEvent, connections: readonly SocketConnection[]): void {
    this.#encoded.count(type)
    if (stream === undefined || rev === undefined) {
      const frame = textFrame(encodeEphemeral(type, data))
      for (const connection of connections) connection.sendEphemeral(frame)
      return
    }
    const frame = textFrame(encodeDurable(type, stream, rev, data))
    for (const connection of connections) connection.sendDurable(frame)
  }
}

/** The words of a dialect in raw frames. Whoever keeps cursors finds `stream` and `rev` where they always are. */
export class FrameFraming implements Framing {
  readonly #createArrivals: (connection: SocketConnection) => Arrivals
  readonly #encoded: EncodedTally
  readonly #arrivals = new WeakMap<SocketConnection, Arrivals>()

  constructor(createArrivals: (connection: SocketConnection) => Arrivals, encoded: EncodedTally) {
    this.#createArrivals = createArrivals
    this.#encoded = encoded
  }

  emit(spoken: Spoken, outbound: OutboundEvent, connections: readonly SocketConnection[]): void {
    const frame = encode(spoken, outbound)
    this.#encoded.count(outbound.event.type)
    const isDurable = outbound.stream !== undefined
    for (const connection of connections) {
      if (isDurable) connection.sendDurable(frame, placeOf(outbound))
      else connection.sendEphemeral(frame)
      this.#noteSent(connection, outbound)
    }
  }

  /** Sends what a client has missed, ahead of what happens meanwhile. */
  emitMissed(spoken: Spoken, outbound: OutboundEvent, connection: SocketConnection): void {
    connection.send(encode(spoken, outbound))
    this.#noteSent(connection, outbound)
  }

  #noteSent(connection: SocketConnection, outbound: OutboundEvent): void {
    if (connection.actor === undefined || outbound.event.type !== 'message:new') return
    const arrivals = this.#arrivals.get(connection) ?? this.#createArrivals(connection)
    this.#arrivals.set(connection, arrivals)
    arrivals.note(connection.actor, outbound)
  }
}

function encode({ name, data }: Spoken, { stream, rev }: OutboundEvent): Buffer {
  const isDurable = stream !== undefined && rev !== undefined
  return textFrame(isDurable ? encodeDurable(name, stream, rev, data) : encodeEphemeral(name, data))
}

function placeOf({ event: { type, data } }: OutboundEvent): Place | undefined {
  return type === 'message:new' ? { conversationId: data.conversationId, seq: data.seq } : undefined
}
