import type { Namespace } from 'socket.io'
import type { OutboundEvent } from '../connection.ts'
import type { EncodedTally } from '../encoded.ts'
import type { Framing, Spoken } from '../vocabulary.ts'
import type { SocketIoConnection } from './connection.ts'

/** Events as socket.io packets: one broadcast, encoded once, to everybody in a namespace who is to hear it. */
export class PacketVoice implements Framing {
  readonly #nsp: Namespace
  readonly #encoded: EncodedTally

  constructor(nsp: Namespace, encoded: EncodedTally) {
    this.#nsp = nsp
    this.#encoded = encoded
  }

  emit(spoken: Spoken, outbound: OutboundEvent, connections: readonly SocketIoConnection[]): void {
    const live = connections.filter(({ isLive }) => isLive)
    for (const connection of connections) if (!connection.isLive) connection.keep(spoken, outbound)
    if (live.length === 0) return
    this.#encoded.count(outbound.event.type)
    this.#nsp.local.to(live.map(({ id }) => id)).emit(spoken.name, spoken.data)
    for (const connection of live) connection.noteSent(outbound)
  }
}
