import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Socket } from 'socket.io'
import { CLOSE, type CloseReason } from '../../../protocol/close.ts'
import { CATCH_UP_PIECE_BYTES } from '../../../protocol/limits.ts'
import type { Actor } from '../../actor.ts'
import type { Connection, Encoder, OutboundEvent } from '../../realtime/connection.ts'
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
  readonly tracker: DeliveryTracker
  readonly #slowReaderMs: number
  #isBehind = false
  #isLeaving = false
  readonly catchUp = new CatchUp<DialectEvent>()
  /** WebSocket whose answers to pings are heard. */
  #pinged: NodeJS.EventEmitter | undefined
  #marks = 0
  readonly #waiting = new Map<string, () => void>()

  constructor(socket: Socket, { encoder, actor, trackDelivery, slowReaderMs }: SocketIoConnectionDeps) {
    this.socket = socket
    this.encoder = encoder
    this.actor = actor
    this.#slowReaderMs = slowReaderMs
    this.tracker = trackDelivery(async () => await this.confirm())
  }

  get id(): string {
    return this.socket.id
  }

  get isOpen(): boolean {
    return this.socket.connected && this.socket.conn.readyState === 'open'
  }

  /** Whether it is open though its token has ended. */
  get hasExpired(): boolean {
    return this.actor.expiresAt <= Date.now() && this.isOpen
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
    if (this.hasExpired) this.close('auth_expired')
    if (this.#isLeaving || !this.isOpen) return false
    const taken = this.catchUp.take(outbound, translated)
    if (taken === 'full') this.close('resync')
    return taken === 'send'
  }

  goLive(): void {
    for (const { encoded, outbound } of this.catchUp.end()) this.emit(encoded, outbound)
  }

  /** Sends an event to this client alone. */
  emit({ name, data }: DialectEvent, outbound: OutboundEvent): void {
    if (this.hasExpired) this.close('auth_expired')
    if (!this.isOpen) return
    this.socket.emit(name, data)
    this.noteSent(outbound)
  }

  /** Notes what was sent to this client together with others. */
  noteSent(outbound: OutboundEvent): void {
    this.tracker.note(this.actor, outbound)
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
        await new Promise<void>((resolve, reject) => {
          signal.addEventListener('abort', reject, { once: true })
          this.whenReached(resolve)
        })
      }
      return true
    } catch {
      return false
    } finally {
      conn.off('close', leave)
      // Nothing listens any longer to what did not come.
      gone.abort()
    }
  }

  /** Resolves when what the client was sent is known to have arrived, or after a time, ms; it is sent no more. */
  async leave(patienceMs: number): Promise<void> {
    this.#isLeaving = true
    await Promise.race([this.tracker.settle(this.actor), delay(patienceMs, undefined, { ref: false })])
  }

  /** Calls back when the client has got what was sent until now; at once where its transport cannot tell. */
  whenReached(callback: () => void): void {
    const { socket } = internalsOf(this.socket.conn).transport
    if (socket === undefined) return callback()
    if (this.#pinged !== socket) {
      this.#pinged = socket
      socket.on('pong', (mark: Buffer) => this.#reached(mark.toString()))
    }
    const mark = `${this.id} ${++this.#marks}`
    this.#waiting.set(mark, callback)
    socket.ping(mark)
  }

  #reached(mark: string): void {
    this.#waiting.get(mark)?.()
    this.#waiting.delete(mark)
  }

  /**
   * Terminal reasons end the socket, and its client does not come back by itself. Others end the transport, and it does:
   * also from the end of a token, since it asks its app for one each time.
   */
  close(reason: CloseReason): void {
    this.closedWith ??= CLOSE[reason]
    const isOfClient = CLOSE[reason] < 4200
    if (isOfClient) this.socket.emit('error', { code: reason, message: 'The connection was ended' })
    if (isOfClient && reason !== 'auth_expired') this.socket.disconnect(true)
    closeTransport(this.socket.conn, this.#slowReaderMs)
  }

  /** The client has left the namespace. @param isLost it was silent until it was given up */
  stop(isLost = false): void {
    this.tracker.stop(isLost)
    this.catchUp.stop()
  }
}
