import type { ServerResponse } from 'node:http'
import { CLOSE, type CloseReason } from '../../../protocol/close.ts'
import { AuthExpiring } from '../../../protocol/connection/events.ts'
import { StreamEnd, StreamReady } from '../../../protocol/connection/stream-events.ts'
import { CATCH_UP_PIECE_BYTES, SLOW_HARD_BYTES, SLOW_SOFT_BYTES } from '../../../protocol/limits.ts'
import type { Actor } from '../../actor.ts'
import type { Timings } from '../../config/timings.ts'
import type { Connection, Encoder, OutboundEvent } from '../../realtime/connection.ts'
import { CatchUp } from '../../realtime/delivery/catch-up.ts'
import type { DeliveryTracker, TrackDelivery } from '../../realtime/delivery/delivery-tracker.ts'
import type { ResumeToken } from '../../streams/positions.ts'
import { RecentPositions } from '../../streams/recent-positions.ts'
import { encodeFields } from './fields.ts'

/** Events that are not dropped, though they have no place in a stream: on `ready` an app waits. */
const LASTING: readonly string[] = ['message:new', 'ready', 'reset']

interface StreamDeps {
  readonly id: string
  readonly actor: Actor
  readonly encoder: Encoder
  readonly encodeId: (token: ResumeToken) => string
  readonly timings: Timings
  /** Moment of the database's clock up to which everything was sent, ms since 1970. */
  readonly sentUpTo: () => number
  /** Tracker for clients that cannot say what has arrived. */
  readonly trackDelivery: TrackDelivery | undefined
}

/** Open stream of server-sent events. Every event has an id by which the stream can be continued anywhere. */
export class StreamConnection implements Connection {
  readonly id: string
  readonly framing = 'stream'
  closedWith: number | undefined
  readonly encoder: Encoder
  actor: Actor
  readonly #response: ServerResponse
  readonly #encodeId: StreamDeps['encodeId']
  readonly #timings: Timings
  readonly #positions = new RecentPositions()
  readonly catchUp = new CatchUp<string>()
  readonly tracker: DeliveryTracker | undefined
  readonly #sentUpTo: () => number
  /** The `rev` of the person's own stream that the client has. */
  #userRev = 0
  /** The moment up to which the client has everything, while it is being sent what it has missed; 0 where none is known. */
  #resumedAt: number | undefined = 0
  /** Start of the time without progress, and the bytes that waited then. */
  #blocked: { at: number; bytes: number } | undefined
  #whenRead: (() => void)[] = []
  /** Events that were sent, and those of them that are known to have arrived. */
  #sent = 0
  #proved = 0
  readonly #unproved: { readonly resolve: (hasArrived: boolean) => void }[] = []
  /** Whether the client was told that its token ends. */
  #isWarned = false
  /** Text of this turn of the event loop, which is written at once. */
  #gathered = ''

  constructor(response: ServerResponse, deps: StreamDeps) {
    const { id, actor, encoder, encodeId, timings, sentUpTo, trackDelivery } = deps
    this.#response = response
    this.id = id
    this.actor = actor
    this.encoder = encoder
    this.#encodeId = encodeId
    this.#timings = timings
    this.#sentUpTo = sentUpTo
    this.tracker = trackDelivery?.(async () => await this.confirm())
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed
  }

  /** Sends an event. @param text its fields `event` and `data`, which are the same for everybody */
  send(outbound: OutboundEvent, text: string): void {
    const taken = this.catchUp.take(outbound, text)
    if (taken === 'send') this.sendNow(outbound, text)
    else if (taken === 'full') this.close('resync')
  }

  /** Says where the client is while it is sent what it has missed. */
  resumeFrom({ at, account, recent }: ResumeToken): void {
    this.#resumedAt = at
    this.reach('user_', account)
    for (const [conversationId, rev] of recent) this.reach(conversationId, rev)
  }

  /** Says that the client has all of a stream up to a `rev` with the next event. */
  reach(stream: string, rev: number): void {
    if (stream.startsWith('user_')) this.#userRev = Math.max(this.#userRev, rev)
    else this.#positions.note(stream, rev, this.#sentUpTo())
  }

  /** Sends an event ahead of those that wait. */
  sendNow(outbound: OutboundEvent, text: string): void {
    const { stream = '', rev, event } = outbound
    if (!this.isOpen) return
    if (this.actor.expiresAt <= Date.now()) return this.close('auth_expired')
    const isDurable = rev !== undefined || LASTING.includes(event.type)
    const waiting = this.#response.writableLength + this.#gathered.length
    if (!isDurable && waiting > SLOW_SOFT_BYTES) return
    if (waiting > SLOW_HARD_BYTES) return this.close('slow_consumer')
    this.#sent += 1
    if (rev !== undefined) this.reach(stream, rev)
    this.#write(`${text}${this.#idField()}\n`)
    this.tracker?.note(this.actor, outbound)
  }

  async drained(): Promise<void> {
    if (this.#gathered.length > CATCH_UP_PIECE_BYTES) this.#flush()
    while (this.isOpen && this.#blocked !== undefined && this.#response.writableLength > CATCH_UP_PIECE_BYTES) {
      await new Promise<void>(resolve => this.#whenRead.push(resolve))
    }
  }

  /** Resolves with true when a request of the client shows that it is there and has read, with false when it is gone before. */
  async confirm(): Promise<boolean> {
    if (!this.isOpen) return false
    this.#flush()
    if (this.#proved === this.#sent) return true
    return await new Promise(resolve => this.#unproved.push({ resolve }))
  }

  /** The client has asked for something: what had left for it before has arrived. */
  prove(): void {
    if (this.#blocked !== undefined) return
    this.#proved = this.#sent
    for (const { resolve } of this.#unproved.splice(0)) resolve(true)
  }

  /** The client is gone. */
  stop(): void {
    for (const { resolve } of this.#unproved.splice(0)) resolve(false)
    this.tracker?.stop()
    this.catchUp.stop()
    this.#tellRead()
  }

  goLive(): void {
    for (const { outbound, encoded } of this.catchUp.end()) this.sendNow(outbound, encoded)
    // Everything from before this moment has been sent.
    this.#resumedAt = undefined
    const ready = StreamReady.create({ connectionId: this.id, heartbeatMs: this.#timings.streamBeatMs })
    this.sendNow({ event: ready }, encodeFields(ready.type, ready.data))
  }

  /** Looks after the stream, every few seconds: a sign of life, which clients do not see, or the end. */
  check(now: number): void {
    if (!this.isOpen) return
    this.#noteProgress(now)
    if (this.#blocked !== undefined && now - this.#blocked.at > this.#timings.slowReaderMs) this.close('slow_consumer')
    else if (this.#blocked === undefined) this.#write(': \n\n')
  }

  /** Looks after the token: the stream ends with it, and its client is told once that it will. */
  checkToken(): void {
    const { expiresAt } = this.actor
    const leftMs = expiresAt - Date.now()
    if (leftMs <= 0) return this.close('auth_expired')
    if (this.#isWarned || !this.catchUp.isOver || leftMs > this.#timings.authWarningMs) return
    this.#isWarned = true
    const { type, data } = AuthExpiring.create({ expiresAt: new Date(expiresAt).toISOString() })
    this.#write(`${encodeFields(type, data)}\n`)
  }

  /** Less waits than before: the client reads, however slowly. */
  #noteProgress(now: number): void {
    const bytes = this.#response.writableLength
    if (this.#blocked !== undefined && bytes < this.#blocked.bytes) this.#blocked = { at: now, bytes }
  }

  /** Ends the stream as the server goes away. @param inMs when the client is to come back */
  sendAway(inMs: number): void {
    this.#write(`retry: ${inMs}\n\n`)
    this.close('drain')
  }

  /** Ends the stream; the client comes back by itself and continues. */
  close(reason: CloseReason): void {
    if (!this.isOpen) return
    this.closedWith = CLOSE[reason]
    this.#flush()
    const { type, data } = StreamEnd.create({ code: CLOSE[reason], reason })
    this.#response.end(`${encodeFields(type, data)}\n`)
    setTimeout(() => this.#response.destroy(), this.#timings.closeTimeoutMs).unref()
  }

  #write(text: string): void {
    if (this.#gathered === '') process.nextTick(() => this.#flush())
    this.#gathered += text
  }

  #flush(): void {
    const text = this.#gathered
    this.#gathered = ''
    if (text === '' || !this.isOpen || this.#response.write(text)) return
    if (this.#blocked !== undefined) {
      this.#blocked.bytes += Buffer.byteLength(text)
      return
    }
    this.#blocked = { at: performance.now(), bytes: this.#response.writableLength }
    this.#response.once('drain', () => {
      this.#blocked = undefined
      this.#tellRead()
    })
  }

  #tellRead(): void {
    const waiting = this.#whenRead
    this.#whenRead = []
    for (const resolve of waiting) resolve()
  }

  #idField(): string {
    const at = this.#resumedAt ?? this.#sentUpTo()
    return `id: ${this.#encodeId({ at, account: this.#userRev, recent: this.#positions.recent })}\n`
  }
}
