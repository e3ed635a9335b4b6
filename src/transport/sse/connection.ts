import type { ServerResponse } from 'node:http'
import type { CloseReason } from '../../../protocol/close.ts'
import { bareId } from '../../../protocol/ids.ts'
import { SLOW_HARD_BYTES, SLOW_SOFT_BYTES } from '../../../protocol/limits.ts'
import { type Actor, RecentPlaces } from '../../services/index.ts'
import type { Connection, Told, Voice } from '../connection.ts'

/** What may wait while the client is sent what it has missed. */
const MAX_PENDING = 1_000

interface Parts {
  readonly id: string
  readonly actor: Actor
  readonly voice: Voice
  /** The `rev` of the account that the client has. */
  readonly account: number
  readonly encodeId: (place: { at: number; account: number; recent: ReadonlyMap<string, number> }) => string
}

/** One open stream of server-sent events. Every event has an id by which the stream can be continued anywhere. */
export class StreamConnection implements Connection {
  readonly id: string
  readonly voice: Voice
  readonly watchesPeers = true
  actor: Actor
  readonly #response: ServerResponse
  readonly #encodeId: Parts['encodeId']
  readonly #places = new RecentPlaces()
  /** What came while the client was being sent what it has missed; undefined once it is live. */
  #pending: { event: Told; text: string }[] | undefined = []
  #account: number

  constructor(response: ServerResponse, { id, actor, voice, account, encodeId }: Parts) {
    this.#response = response
    this.id = id
    this.actor = actor
    this.voice = voice
    this.#account = account
    this.#encodeId = encodeId
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed
  }

  /** Sends an event. @param text its fields `event` and `data`, which are the same for everybody */
  send(event: Told, text: string): void {
    if (this.#pending !== undefined) this.#keep(event, text)
    else this.sendNow(event, text)
  }

  /** Sends an event ahead of those that wait. */
  sendNow({ stream = '', rev }: Told, text: string): void {
    if (!this.isOpen) return
    if (rev === undefined && this.#response.writableLength > SLOW_SOFT_BYTES) return
    if (rev !== undefined && stream.startsWith('user_')) this.#account = Math.max(this.#account, rev)
    else if (rev !== undefined) this.#places.note(stream, rev, Date.now())
    const id = this.#encodeId({ at: Date.now(), account: this.#account, recent: this.#places.recent })
    this.#response.write(`${text}id: ${id}\n\n`)
    if (this.#response.writableLength > SLOW_HARD_BYTES) this.close('slow_consumer')
  }

  /**
   * What waited goes out, except what the client was sent already.
   * @param sent the last `rev` sent of each stream
   */
  goLive(sent: ReadonlyMap<string, number>): void {
    const pending = this.#pending ?? []
    this.#pending = undefined
    for (const { event, text } of pending) {
      const { stream = '', rev = Number.POSITIVE_INFINITY } = event
      if (rev > (sent.get(bareId(stream)) ?? 0)) this.sendNow(event, text)
    }
  }

  /** A sign of life, which clients do not see. */
  beat(): void {
    if (this.isOpen) this.#response.write(': \n\n')
  }

  /** Ends the stream; the client comes back by itself and continues. */
  close(reason: CloseReason): void {
    if (this.isOpen) this.#response.end(`: ${reason}\n\n`)
  }

  #keep(event: Told, text: string): void {
    this.#pending?.push({ event, text })
    if ((this.#pending?.length ?? 0) > MAX_PENDING) this.close('resync')
  }
}
