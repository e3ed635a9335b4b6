import { once } from 'node:events'
import type { Socket } from 'socket.io'
import { CLOSE, type CloseReason } from '../../../protocol/close.ts'
import { CATCH_UP_PIECE_BYTES } from '../../../protocol/limits.ts'
import type { Actor } from '../../actor.ts'
import type { Connection, Encoder, OutboundEvent, WasSent } from '../../realtime/connection.ts'
import { CatchUp } from '../../realtime/delivery/catch-up.ts'
import type { DeliveryTracker, TrackDelivery } from '../../realtime/delivery/delivery-tracker.ts'
import type { DialectEvent } from '../../realtime/encoding/dialect-encoder.ts'
import { closeTransport, internalsOf, isBehind } from './transports.ts'

/** Packets of what a client has missed that are sent at once: those of a poll are not written before it comes. */
const CATCH_UP_PACKETS = 32

interface SocketIoConnectionDeps {
  readonly encoder: Encoder
  readonly actor: Actor
  readonly trackDelivery: TrackDelivery
  readonly slowReaderMs: number
}

/** Socket of a socket.io client, in one namespace. */
export class SocketIoConnection implements Connection {
  readonly framing = 'socket.io'
  closedWith: number | undefined
  readonly encoder: Encoder
  readonly socket: Socket
  actor: Actor
  readonly #tracker: DeliveryTracker
  readonly #slowReaderMs: number
  #isBehind = false
  readonly #catchUp = new CatchUp<DialectEvent>()

  constructor(socket: Socket, { encoder, actor, trackDelivery, slowReaderMs }: SocketIoConnectionDeps) {
    this.socket = socket
    this.encoder = encoder
    this.actor = actor
    this.#slowReaderMs = slowReaderMs
    this.#tracker = trackDelivery(async () => await this.confirm())
  }

  get id(): string {
    return this.socket.id
  }

  get isOpen(): boolean {
    return this.socket.connected && this.socket.conn.readyState === 'open'
  }

  /** Whether the client leaves more unread than it may, at this look and at the last one. */
  checkSlow(): boolean {
    const wasBehind = this.#isBehind
    this.#isBehind = isBehind(this.socket.conn)
    return wasBehind && this.#isBehind
  }

  async drained(): Promise<void> {
    const { writeBuffer, transport } = internalsOf(this.socket.conn)
    const bytes = transport.socket?.bufferedAmount ?? 0
    if (writeBuffer.length > CATCH_UP_PACKETS || bytes > CATCH_UP_PIECE_BYTES) await this.confirm()
  }

  /** Whether an event is to be sent to the client now; it waits when the client is catching up. */
  isToBeSent(translated: DialectEvent, outbound: OutboundEvent): boolean {
    const taken = this.#catchUp.take(outbound, translated)
    if (taken === 'full') this.close('resync')
    return taken === 'send'
  }

  goLive(wasSent: WasSent): void {
    for (const { encoded, outbound } of this.#catchUp.end(wasSent)) this.emit(encoded, outbound)
  }

  /** Sends an event to this client alone. */
  emit({ name, data }: DialectEvent, outbound: OutboundEvent): void {
    this.socket.emit(name, data)
    this.noteSent(outbound)
  }

  /** Notes what was sent to this client together with others. */
  noteSent(outbound: OutboundEvent): void {
    this.#tracker.note(this.actor, outbound)
  }

  /** Resolves with true when everything sent so far has reached the client, with false when it is gone before. */
  async confirm(): Promise<boolean> {
    const { conn } = this.socket
    const gone = new AbortController()
    const leave = (): void => gone.abort()
    conn.once('close', leave)
    try {
      if (!this.isOpen) return false
      const { signal } = gone
      const internals = internalsOf(this.socket.conn)
      while (internals.writeBuffer.length > 0) await once(conn, 'drain', { signal })
      if (internals.transport.name === 'polling') {
        // The next poll begins when the answer of the last one has been read; often it has by now.
        if (!internals.transport.writable)
          await Promise.race([once(internals.transport, 'ready', { signal }), once(conn, 'upgrade', { signal })])
      } else if (internals.transport.socket !== undefined) {
        internals.transport.socket.ping()
        await once(internals.transport.socket, 'pong', { signal })
      }
      return true
    } catch {
      return false
    } finally {
      conn.off('close', leave)
    }
  }

  /** Terminal reasons end the socket, and its client does not come back by itself; others end the transport, and it does. */
  close(reason: CloseReason): void {
    this.closedWith ??= CLOSE[reason]
    const isTerminal = CLOSE[reason] < 4200
    if (isTerminal) this.socket.emit('error', { code: reason, message: 'The connection was ended' })
    if (isTerminal) this.socket.disconnect(true)
    closeTransport(this.socket.conn, this.#slowReaderMs)
  }

  /** The client has left the namespace. */
  stop(): void {
    this.#tracker.stop()
    this.#catchUp.stop()
  }
}
