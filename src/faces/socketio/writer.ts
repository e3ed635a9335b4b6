import type { Namespace } from 'socket.io'
import type { OutboundEvent } from '../../realtime/connection.ts'
import type { DialectEvent, EventWriter } from '../../realtime/encoding/dialect-encoder.ts'
import type { EncodedTally } from '../../realtime/encoding/encoded-counts.ts'
import type { SocketIoConnection } from './connection.ts'

/** Events as socket.io packets: one broadcast, encoded once, to everybody in a namespace who is to hear it. */
export class SocketIoWriter implements EventWriter {
  readonly #nsp: Namespace
  readonly #encoded: EncodedTally

  constructor(nsp: Namespace, encoded: EncodedTally) {
    this.#nsp = nsp
    this.#encoded = encoded
  }

  write(translated: DialectEvent, outbound: OutboundEvent, connections: readonly SocketIoConnection[]): void {
    const live = connections.filter(connection => connection.isToBeSent(translated, outbound))
    if (live.length === 0) return
    this.#encoded.count(outbound.event.type)
    this.#nsp.local.to(live.map(({ id }) => id)).emit(translated.name, translated.data)
    for (const connection of live) connection.noteSent(outbound)
  }
}
