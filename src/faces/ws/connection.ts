import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { CLOSE, type CloseReason } from '../../../protocol/close.ts'
import { CATCH_UP_PIECE_BYTES, SLOW_HARD_BYTES, SLOW_HARD_FRAMES, SLOW_SOFT_BYTES } from '../../../protocol/limits.ts'
import type { Actor } from '../../actor.ts'
import type { Timings } from '../../config/timings.ts'
import type { Connection, ConnectionCounts, Encoder, OutboundEvent } from '../../realtime/connection.ts'
import { CatchUp } from '../../realtime/delivery/catch-up.ts'
import type { DeliveryTracker, TrackDelivery } from '../../realtime/delivery/delivery-tracker.ts'
import { type FrameBatch, PING_FRAME, textFrame, type WriteScheduler } from './frame-batch.ts'

/** Dependencies that all sockets of one subprotocol share. */
export interface SocketDeps {
  readonly encoder: Encoder
  readonly scheduler: WriteScheduler
  readonly counts: ConnectionCounts
  readonly timings: Timings
  /** Tracker for clients that keep no cursors. */
  readonly trackDelivery: TrackDelivery | undefined
}

/** Size of one write, bytes: each drain of it shows that the client reads. */
const HANDED_BYTES = 262_144

/**
 * Open socket. Frames queued in one tick leave in one write, as far as the client reads. A slow reader loses ephemeral
 * events first and then its connection, never a durable event that it could not find again by its cursors. Slow is who
 * reads nothing for a while, or lets too much wait behind what it reads; never who is sent much at once.
 */
export class SocketConnection implements Connection {
  readonly id: string
  readonly framing = 'frames'
  readonly #ws: WebSocket
  readonly #socket: Socket
  /** Shared by all connections of a subprotocol. */
  readonly #deps: SocketDeps
  readonly openedAt = performance.now()
  #actor: Actor | undefined
  #batch: FrameBatch | undefined
  readonly catchUp = new CatchUp<Buffer>()
  #tracker: DeliveryTracker | undefined
  #isLeaving = false
  #isClosing = false
  /** Whether the client was given up because nothing came from it. */
  #isSilent = false
  #closedWith: number | undefined
  #seenAt = this.openedAt
  /** Start of the time without progress. */
  #blockedAt: number | undefined
  #blockedFrames = 0
  /** Frames that wait for the next drain. */
  readonly #backlog: Buffer[] = []
  #backlogBytes = 0
  #whenRead: (() => void)[] = []
  #isWarned = false
  #marks = 0

  constructor(id: string, ws: WebSocket, socket: Socket, deps: SocketDeps) {
    this.id = id
    this.#ws = ws
    this.#socket = socket
    this.#deps = deps
  }

  get closedWith(): number | undefined {
    return this.#closedWith
  }

  get encoder(): Encoder {
    return this.#deps.encoder
  }

  /** The person, once the connection is authenticated. */
  get actor(): Actor | undefined {
    return this.#actor
  }

  set actor(actor: Actor | undefined) {
    this.#actor = actor
    this.#isWarned = false
  }

  /** Tracker of a client that keeps no cursors. */
  get tracker(): DeliveryTracker | undefined {
    this.#tracker ??= this.#deps.trackDelivery?.(async () => await this.confirm())
    return this.#tracker
  }

  get isOpen(): boolean {
    return !this.#isClosing && this.#ws.readyState === 1
  }

  /** Bytes that wait to be read by the client. */
  get queuedBytes(): number {
    return this.#socket.writableLength + this.#backlogBytes + (this.#batch?.bytes ?? 0)
  }

  /** Queues a frame that must arrive: a reply, or what the client asked for. */
  send(frame: Buffer): void {
    if (this.#isClosing) return
    this.#batch = (this.#batch ?? this.#deps.scheduler.begin(this)).plus(frame)
    this.#deps.counts.frames += 1
  }

  /** Writes what is queued at the end of this turn of the event loop, without waiting for others. */
  flushSoon(): void {
    this.#deps.scheduler.flushSoon(this)
  }

  /** Queues an event; before the connection is live it waits. */
  sendEvent(frame: Buffer, outbound: OutboundEvent): void {
    if (this.#isLeaving) return
    const isDurable = outbound.stream !== undefined
    const taken = this.catchUp.take(outbound, frame)
    if (taken === 'full') this.close('resync')
    if (taken !== 'send') return
    if (!isDurable && this.queuedBytes > SLOW_SOFT_BYTES) this.#deps.counts.dropped += 1
    else this.sendNow(frame, outbound)
  }

  /** Queues an event ahead of those that wait. */
  sendNow(frame: Buffer, outbound: OutboundEvent): void {
    if (this.requireActor().expiresAt <= Date.now()) return this.close('auth_expired')
    this.send(frame)
    if (this.#deps.trackDelivery !== undefined) this.tracker?.note(this.requireActor(), outbound)
  }

  goLive(): void {
    for (const { encoded, outbound } of this.catchUp.end()) this.sendNow(encoded, outbound)
  }

  /** The connection is gone. */
  stop(): void {
    this.#tracker?.stop(this.#isSilent)
    this.catchUp.stop()
    this.#tellRead()
  }

  async drained(): Promise<void> {
    this.flush()
    await this.#readDownTo(CATCH_UP_PIECE_BYTES)
  }

  /** The person; only what is registered is sent events. */
  requireActor(): Actor {
    if (this.#actor === undefined) throw new Error('The connection is not authenticated')
    return this.#actor
  }

  /** Resolves with true when everything sent so far has reached the client, with false when it is gone before. */
  async confirm(): Promise<boolean> {
    this.flush()
    await this.#readDownTo(HANDED_BYTES)
    return await new Promise(resolve => {
      const end = (hasArrived: boolean) => {
        this.#ws.off('pong', arrived).off('close', gone)
        resolve(hasArrived)
      }
      // Of pings that were sent before, an answer says nothing.
      this.#marks += 1
      const mark = String(this.#marks)
      const arrived = (answered: Buffer) => {
        if (answered.toString() === mark) end(true)
      }
      const gone = () => end(false)
      if (!this.isOpen) return resolve(false)
      this.#ws.on('pong', arrived).once('close', gone)
      this.#ws.ping(mark)
    })
  }

  /** A sign of life from the client. */
  touch(): void {
    this.#seenAt = performance.now()
  }

  /** Writes what this tick has queued. */
  flush(): void {
    const batch = this.#batch
    this.#batch = undefined
    if (batch === undefined || this.#socket.destroyed) return
    if (this.#blockedAt === undefined && batch.bytes <= HANDED_BYTES) return this.#hand(batch.join())
    const isWaiting = this.#blockedAt !== undefined
    this.#blockedFrames += batch.count
    this.#backlogBytes += batch.bytes
    if (isWaiting && (this.queuedBytes > SLOW_HARD_BYTES || this.#blockedFrames > SLOW_HARD_FRAMES)) {
      return this.#giveUpSlow()
    }
    this.#backlog.push(...batch.parts(HANDED_BYTES))
    if (!isWaiting) this.#handBacklog()
  }

  /** Closes for the drain, once what a client without cursors was sent is known to have arrived. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    const settled = this.#actor && this.#tracker?.settle(this.#actor)
    await Promise.race([settled, delay(this.#deps.timings.closeTimeoutMs, undefined, { ref: false })])
    this.close('drain')
  }

  /** Closes with a reason that tells the client what to do; what was queued before goes out first. */
  close(reason: CloseReason, detail = ''): void {
    this.closeWith(CLOSE[reason], `${reason}${detail}`)
  }

  /** Closes with a code of the WebSocket standard. */
  closeWith(code: number, text: string): void {
    if (this.#isClosing) return
    this.flush()
    this.#isClosing = true
    this.#closedWith = code
    // Nothing waits for what is closed: the last frame is the last.
    for (const part of this.#backlog.splice(0)) this.#socket.write(part)
    this.#backlogBytes = 0
    this.#ws.close(code, text)
    setTimeout(() => this.#ws.terminate(), this.#deps.timings.closeTimeoutMs).unref()
  }

  /**
   * Looks after the connection, every few seconds: pings the silent, gives up the dead, the slow, and who never
   * said who they are.
   */
  check(now: number): void {
    const { slowReaderMs, helloTimeoutMs, heartbeatTimeoutMs, heartbeatMs } = this.#deps.timings
    const silentMs = now - this.#seenAt
    if (this.#blockedAt !== undefined && now - this.#blockedAt > slowReaderMs) this.#giveUpSlow()
    else if (this.#actor === undefined && now - this.openedAt > helloTimeoutMs) this.close('hello_timeout')
    else if (silentMs > heartbeatTimeoutMs) this.#giveUpSilent()
    else if (silentMs >= heartbeatMs) this.send(PING_FRAME)
  }

  /** Ends the connection when its token has ended. @returns the moment of expiry when the client must be warned of it */
  checkToken(): number | undefined {
    if (this.#actor === undefined) return undefined
    const leftMs = this.#actor.expiresAt - Date.now()
    if (leftMs <= 0) this.close('auth_expired')
    if (leftMs > this.#deps.timings.authWarningMs || this.#isWarned) return undefined
    this.#isWarned = true
    return this.#actor.expiresAt
  }

  /** Hands the system a buffer; when it takes no more, what follows waits until the client has read it. */
  #hand(buffer: Buffer): void {
    if (this.#socket.write(buffer) || this.#blockedAt !== undefined) return
    this.#blockedAt = performance.now()
    this.#socket.once('drain', () => {
      this.#blockedAt = undefined
      this.#blockedFrames = 0
      this.#handBacklog()
      this.#tellRead()
    })
  }

  #handBacklog(): void {
    while (this.#blockedAt === undefined) {
      const part = this.#backlog.shift()
      if (part === undefined) return
      this.#backlogBytes -= part.length
      this.#hand(part)
    }
  }

  /** Resolves when no more than this waits to be read, bytes, or the client is gone. */
  async #readDownTo(bytes: number): Promise<void> {
    while (this.isOpen && this.#blockedAt !== undefined && this.queuedBytes > bytes) {
      await new Promise<void>(resolve => this.#whenRead.push(resolve))
    }
  }

  #tellRead(): void {
    const waiting = this.#whenRead
    this.#whenRead = []
    for (const resolve of waiting) resolve()
  }

  #giveUpSilent(): void {
    this.#isSilent = true
    this.close('heartbeat_timeout')
  }

  #giveUpSlow(): void {
    if (this.#isClosing) return
    this.#deps.counts.slow += 1
    this.close('slow_consumer')
  }
}

/** Sends a reply or an event that concerns one connection only, at the end of this turn of the event loop. */
export function sendText(connection: SocketConnection, text: string): void {
  connection.send(textFrame(text))
  connection.flushSoon()
}
