import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { CLOSE, type CloseReason } from '../../../protocol/close.ts'
import { SLOW_HARD_BYTES, SLOW_HARD_FRAMES, SLOW_SOFT_BYTES } from '../../../protocol/limits.ts'
import type { Timings } from '../../config.ts'
import type { Actor } from '../../services/index.ts'
import type { Connection, ConnectionCounts, Voice } from '../connection.ts'
import { type FrameRun, type Outbox, PING_FRAME, textFrame } from './frames.ts'

/** What may wait for a connection that is still reading where it stands. */
const MAX_PENDING_FRAMES = 1_000

interface SocketConnectionParts {
  voice: Voice
  outbox: Outbox
  counts: ConnectionCounts
  timings: Timings
}

/**
 * One open socket. Frames queued in one tick leave in one write. A slow reader loses ephemeral events first and
 * then its connection, never a durable event that it could not find again by its cursors.
 */
export class SocketConnection implements Connection {
  readonly id: string
  readonly voice: Voice
  readonly #ws: WebSocket
  readonly #socket: Socket
  readonly #outbox: Outbox
  readonly #counts: ConnectionCounts
  readonly #timings: Timings
  readonly openedAt = performance.now()
  #actor: Actor | undefined
  #run: FrameRun | undefined
  /** Durable events that arrive before the client has been told where it stands; undefined once it is live. */
  #pending: { frame: Buffer; place: Place | undefined }[] | undefined = []
  #isClosing = false
  #seenAt = this.openedAt
  #blockedAt: number | undefined
  #blockedFrames = 0
  #isWarned = false

  constructor(id: string, ws: WebSocket, socket: Socket, { voice, outbox, counts, timings }: SocketConnectionParts) {
    this.id = id
    this.voice = voice
    this.#ws = ws
    this.#socket = socket
    this.#outbox = outbox
    this.#counts = counts
    this.#timings = timings
  }

  /** Who it belongs to, once it is authenticated. */
  get actor(): Actor | undefined {
    return this.#actor
  }

  set actor(actor: Actor | undefined) {
    this.#actor = actor
    this.#isWarned = false
  }

  get isOpen(): boolean {
    return !this.#isClosing && this.#ws.readyState === 1
  }

  /** Bytes that wait to be read by the client. */
  get queuedBytes(): number {
    return this.#socket.writableLength + (this.#run?.bytes ?? 0)
  }

  /** Queues a frame that must arrive: a reply, or what the client asked for. */
  send(frame: Buffer): void {
    if (this.#isClosing) return
    this.#run = (this.#run ?? this.#outbox.begin(this)).plus(frame)
    this.#counts.frames += 1
  }

  /** What is queued does not wait for others. */
  hurry(): void {
    this.#outbox.hurry(this)
  }

  /** Queues a durable event; before the connection is live it waits in a bounded list. */
  sendDurable(frame: Buffer, place?: Place): void {
    if (this.#pending === undefined) return this.send(frame)
    this.#pending.push({ frame, place })
    if (this.#pending.length > MAX_PENDING_FRAMES) this.close('resync')
  }

  /** Queues an event that may be lost. */
  sendEphemeral(frame: Buffer): void {
    if (this.#pending !== undefined) return
    if (this.queuedBytes > SLOW_SOFT_BYTES) this.#counts.dropped += 1
    else this.send(frame)
  }

  /**
   * The client knows where it stands: what waited goes out now, and the rest as it comes.
   * @param caughtUp the last `seq` of each conversation that it has been sent already
   */
  goLive(caughtUp: ReadonlyMap<string, number> = new Map()): void {
    const pending = this.#pending ?? []
    this.#pending = undefined
    for (const { frame, place } of pending) {
      if (place === undefined || place.seq > (caughtUp.get(place.conversationId) ?? 0)) this.send(frame)
    }
  }

  /** Resolves with true when everything sent so far has reached the client, with false when it is gone before. */
  async confirm(): Promise<boolean> {
    this.flush()
    return await new Promise(resolve => {
      const end = (hasArrived: boolean) => {
        this.#ws.off('pong', arrived).off('close', gone)
        resolve(hasArrived)
      }
      const arrived = () => end(true)
      const gone = () => end(false)
      if (!this.isOpen) return resolve(false)
      this.#ws.once('pong', arrived).once('close', gone)
      this.#ws.ping()
    })
  }

  /** A sign of life from the client. */
  touch(): void {
    this.#seenAt = performance.now()
  }

  /** Writes what this tick has queued. */
  flush(): void {
    const run = this.#run
    this.#run = undefined
    if (run === undefined || this.#socket.destroyed) return
    if (
      this.#socket.writableLength + run.bytes > SLOW_HARD_BYTES ||
      this.#blockedFrames + run.count > SLOW_HARD_FRAMES
    ) {
      return this.#giveUpSlow()
    }
    if (this.#socket.write(run.join())) return
    this.#blockedFrames += run.count
    if (this.#blockedAt !== undefined) return
    this.#blockedAt = performance.now()
    this.#socket.once('drain', () => {
      this.#blockedAt = undefined
      this.#blockedFrames = 0
    })
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
    this.#ws.close(code, text)
    setTimeout(() => this.#ws.terminate(), this.#timings.closeTimeoutMs).unref()
  }

  /**
   * Looks after the connection, every few seconds: pings the silent, gives up the dead, the slow, and who never
   * said who they are or whose token has ended. @returns the moment of expiry when the client must be warned of it
   */
  check(now: number): number | undefined {
    const { slowReaderMs, helloTimeoutMs, heartbeatTimeoutMs, heartbeatMs } = this.#timings
    const silentMs = now - this.#seenAt
    if (this.#blockedAt !== undefined && now - this.#blockedAt > slowReaderMs) this.#giveUpSlow()
    else if (this.#actor === undefined && now - this.openedAt > helloTimeoutMs) this.close('hello_timeout')
    else if (silentMs > heartbeatTimeoutMs) this.close('heartbeat_timeout')
    else if (silentMs >= heartbeatMs) this.send(PING_FRAME)
    return this.#checkToken()
  }

  #checkToken(): number | undefined {
    if (this.#actor === undefined) return undefined
    const leftMs = this.#actor.expiresAt - Date.now()
    if (leftMs <= 0) this.close('auth_expired')
    if (leftMs > this.#timings.authWarningMs || this.#isWarned) return undefined
    this.#isWarned = true
    return this.#actor.expiresAt
  }

  #giveUpSlow(): void {
    if (this.#isClosing) return
    this.#counts.slow += 1
    this.close('slow_consumer')
  }
}

/** Which message a frame is about. */
export interface Place {
  readonly conversationId: string
  readonly seq: number
}

/** Sends a reply or an event that concerns one connection only, at the end of this turn of the event loop. */
export function sendText(connection: SocketConnection, text: string): void {
  connection.send(textFrame(text))
  connection.hurry()
}
