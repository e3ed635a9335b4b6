import type { ServerResponse } from 'node:http'
import type { CloseReason } from '../../../protocol/close.ts'
import { SLOW_HARD_BYTES, SLOW_SOFT_BYTES } from '../../../protocol/limits.ts'
import { type Actor, type Bookmark, RecentPlaces } from '../../services/index.ts'
import type { Arrivals } from '../arrivals.ts'
import type { Connection, OutboundEvent, Voice } from '../connection.ts'

/** What may wait while the client is sent what it has missed. */
const MAX_PENDING = 1_000

interface Parts {
  readonly id: string
  readonly actor: Actor
  readonly voice: Voice
  readonly encodeId: (place: Bookmark) => string
  /** Marks what has arrived, for clients that cannot say so. */
  readonly arrivals: ((connection: StreamConnection) => Arrivals) | undefined
}

/** One open stream of server-sent events. Every event has an id by which the stream can be continued anywhere. */
export class StreamConnection implements Connection {
  readonly id: string
  readonly voice: Voice
  actor: Actor
  readonly #response: ServerResponse
  readonly #encodeId: Parts['encodeId']
  readonly #places = new RecentPlaces()
  /** What came while the client was being sent what it has missed; undefined once it is live. */
  #pending: { outbound: OutboundEvent; text: string }[] | undefined = []
  readonly #arrivals: Arrivals | undefined
  /** The `rev` of the account that the client has; undefined while no place can be named from which to continue. */
  #account: number | undefined
  /** The moment up to which the client has everything, while it is being sent what it has missed. */
  #resumedAt: number | undefined

  constructor(response: ServerResponse, { id, actor, voice, encodeId, arrivals }: Parts) {
    this.#response = response
    this.id = id
    this.actor = actor
    this.voice = voice
    this.#encodeId = encodeId
    this.#arrivals = arrivals?.(this)
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed
  }

  /** Sends an event. @param text its fields `event` and `data`, which are the same for everybody */
  send(outbound: OutboundEvent, text: string): void {
    if (this.#pending !== undefined) this.#keep(outbound, text)
    else this.sendNow(outbound, text)
  }

  /** Where its client is: from here on events have ids. */
  place({ at, account, recent }: Bookmark): void {
    this.#account = Math.max(account, this.#account ?? 0)
    if (this.#pending !== undefined) this.#resumedAt = at
    for (const [conversationId, rev] of recent) this.#places.note(conversationId, rev, Date.now())
  }

  /** Sends an event ahead of those that wait. */
  sendNow(outbound: OutboundEvent, text: string): void {
    const { stream = '', rev, event } = outbound
    if (!this.isOpen) return
    const isDurable = rev !== undefined || event.type === 'message:new'
    if (!isDurable && this.#response.writableLength > SLOW_SOFT_BYTES) return
    if (rev !== undefined) this.#note(stream, rev)
    this.#response.write(`${text}${this.#idField()}\n`)
    this.#arrivals?.note(this.actor, outbound)
    if (this.#response.writableLength > SLOW_HARD_BYTES) this.close('slow_consumer')
  }

  /** Resolves with true when everything sent so far has left for the client, with false when it is gone before. */
  async confirm(): Promise<boolean> {
    if (!this.isOpen) return false
    return await new Promise(resolve => this.#response.write(': \n\n', error => resolve(!error && this.isOpen)))
  }

  /** It is gone. */
  stop(): void {
    this.#arrivals?.stop()
    this.#pending = undefined
  }

  /**
   * What waited goes out, except what the client was sent already.
   * @param wasSent whether an event was among what the client was sent as missed
   */
  goLive(wasSent: (outbound: OutboundEvent) => boolean): void {
    const pending = this.#pending ?? []
    this.#pending = undefined
    this.#resumedAt = undefined
    for (const { outbound, text } of pending) if (!wasSent(outbound)) this.sendNow(outbound, text)
  }

  /** A sign of life, which clients do not see. */
  beat(): void {
    if (this.isOpen) this.#response.write(': \n\n')
  }

  /** Ends the stream; the client comes back by itself and continues. */
  close(reason: CloseReason): void {
    if (this.isOpen) this.#response.end(`: ${reason}\n\n`)
  }

  #note(stream: string, rev: number): void {
    if (!stream.startsWith('user_')) this.#places.note(stream, rev, Date.now())
    else if (this.#account !== undefined) this.#account = Math.max(this.#account, rev)
  }

  #idField(): string {
    if (this.#account === undefined) return ''
    const at = this.#resumedAt ?? Date.now()
    return `id: ${this.#encodeId({ at, account: this.#account, recent: this.#places.recent })}\n`
  }

  #keep(outbound: OutboundEvent, text: string): void {
    this.#pending?.push({ outbound, text })
    if ((this.#pending?.length ?? 0) > MAX_PENDING) this.close('resync')
  }
}
