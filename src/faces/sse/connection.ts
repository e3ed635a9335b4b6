import type { ServerResponse } from 'node:http'
import { CLOSE, type CloseReason } from '../../../protocol/close.ts'
import { StreamReady } from '../../../protocol/connection/stream-events.ts'
import { CATCH_UP_PIECE_BYTES, SLOW_HARD_BYTES, SLOW_SOFT_BYTES } from '../../../protocol/limits.ts'
import type { Actor } from '../../actor.ts'
import type { Timings } from '../../config/timings.ts'
import type { Connection, Encoder, OutboundEvent, WasSent } from '../../realtime/connection.ts'
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
  readonly #catchUp = new CatchUp<string>()
  readonly #tracker: DeliveryTracker | undefined
  /** The `rev` of the person's own stream that the client has; undefined while no place can be named from which to continue. */
  #userRev: number | undefined
  /** The moment up to which the client has everything, while it is being sent what it has missed. */
  #resumedAt: number | undefined
  /** Position of the client once it is live. */
  #liveFrom: ResumeToken | undefined
  /** Start of the time without progress, and the bytes that waited then. */
  #blocked: { at: number; bytes: number } | undefined
  #whenRead: (() => void)[] = []
  /** Text of this turn of the event loop, which is written at once. */
  #gathered = ''

  constructor(response: ServerResponse, { id, actor, encoder, encodeId, timings, trackDelivery }: StreamDeps) {
    this.#response = response
    this.id = id
    this.actor = actor
    this.encoder = encoder
    this.#encodeId = encodeId
    this.#timings = timings
    this.#tracker = trackDelivery?.(async () => await this.confirm())
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed
  }

  /** Sends an event. @param text its fields `event` and `data`, which are the same for everybody */
  send(outbound: OutboundEvent, text: string): void {
    const taken = this.#catchUp.take(outbound, text)
    if (taken === 'send') this.sendNow(outbound, text)
    else if (taken === 'full') this.close('resync')
  }

  /** Says where the client is while it is sent what it has missed: from here on events have ids. */
  resumeFrom(token: ResumeToken): void {
    this.#resumedAt = token.at
    this.#place(token)
  }

  /** Says where the client will be once it is live. */
  liveFrom(token: ResumeToken): void {
    this.#liveFrom = token
  }

  /** Sends an event ahead of those that wait. */
  sendNow(outbound: OutboundEvent, text: string): void {
    const { stream = '', rev, event } = outbound
    if (!this.isOpen) return
    const isDurable = rev !== undefined || LASTING.includes(event.type)
    const waiting = this.#response.writableLength + this.#gathered.length
    if (!isDurable && waiting > SLOW_SOFT_BYTES) return
    if (waiting > SLOW_HARD_BYTES) return this.close('slow_consumer')
    if (rev !== undefined) this.#note(stream, rev)
    this.#write(`${text}${this.#idField()}\n`)
    this.#tracker?.note(this.actor, outbound)
  }

  async drained(): Promise<void> {
    if (this.#gathered.length > CATCH_UP_PIECE_BYTES) this.#flush()
    while (this.isOpen && this.#blocked !== undefined && this.#response.writableLength > CATCH_UP_PIECE_BYTES) {
      await new Promise<void>(resolve => this.#whenRead.push(resolve))
    }
  }

  /** Resolves with true when everything sent so far has left for the client, with false when it is gone before. */
  async confirm(): Promise<boolean> {
    if (!this.isOpen) return false
    this.#flush()
    return await new Promise(resolve => this.#response.write(': \n\n', error => resolve(!error && this.isOpen)))
  }

  /** The client is gone. */
  stop(): void {
    this.#tracker?.stop()
    this.#catchUp.stop()
    this.#tellRead()
  }

  /** Go live in one step: the position is named when everything before it was sent. */
  goLive(wasSent: WasSent): void {
    this.#resumedAt = undefined
    for (const { outbound, encoded } of this.#catchUp.end(wasSent)) this.sendNow(outbound, encoded)
    if (this.#liveFrom !== undefined) this.#place(this.#liveFrom)
    const ready = StreamReady.create({ connectionId: this.id, heartbeatMs: this.#timings.streamBeatMs })
    this.sendNow({ event: ready }, encodeFields(ready.type, ready.data))
  }

  /** Looks after the stream, every few seconds: a sign of life, which clients do not see, or the end. */
  check(now: number): void {
    if (!this.isOpen) return
    this.#noteProgress(now)
    if (this.actor.expiresAt <= Date.now()) this.close('auth_expired')
    else if (this.#blocked !== undefined && now - this.#blocked.at > this.#timings.slowReaderMs)
      this.close('slow_consumer')
    else if (this.#blocked === undefined) this.#write(': \n\n')
  }

  /** Less waits than before: the client reads, however slowly. */
  #noteProgress(now: number): void {
    const bytes = this.#response.writableLength
    if (this.#blocked !== undefined && bytes < this.#blocked.bytes) this.#blocked = { at: now, bytes }
  }

  /** Ends the stream; the client comes back by itself and continues. */
  close(reason: CloseReason): void {
    if (!this.isOpen) return
    this.closedWith = CLOSE[reason]
    this.#flush()
    this.#response.end(`: ${reason}\n\n`)
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

  #place({ account, recent }: ResumeToken): void {
    this.#userRev = Math.max(account, this.#userRev ?? 0)
    for (const [conversationId, rev] of recent) this.#positions.note(conversationId, rev, Date.now())
  }

  #note(stream: string, rev: number): void {
    if (!stream.startsWith('user_')) this.#positions.note(stream, rev, Date.now())
    else if (this.#userRev !== undefined) this.#userRev = Math.max(this.#userRev, rev)
  }

  #idField(): string {
    if (this.#userRev === undefined) return ''
    const at = this.#resumedAt ?? Date.now()
    return `id: ${this.#encodeId({ at, account: this.#userRev, recent: this.#positions.recent })}\n`
  }
}
