import { setTimeout as delay } from 'node:timers/promises'
import type { Heads } from '../../protocol/sync/entities.ts'
import type { SyncPage } from '../../protocol/sync/events.ts'
import { type Frame, Refusal } from '../socket-client.ts'
import type { Write } from './journal.ts'
import { type Link, mayRepeat } from './link.ts'
import { type Get, loadConversation } from './snapshot.ts'
import { applyEvent, applyItem, type ClientStore, type Demand } from './store.ts'

/** Time a gap may close by itself before it is pulled, ms. */
const GAP_MS = 300
const PULLS_AT_ONCE = 4
const RETRY_MS = 50

interface CatchUpDeps {
  readonly link: Link
  readonly get: Get
  readonly store: ClientStore
  readonly record: Write
  /** Hears when something has been applied, or when there is less to do. */
  readonly onChange: () => void
}

/**
 * Brings the streams of one connection into the store: live events in `rev` order, and pages for what is missing.
 * It ends with its connection.
 */
export class CatchUp {
  readonly #link: Link
  readonly #get: Get
  readonly #store: ClientStore
  readonly #record: Write
  readonly #onChange: () => void
  #isLive = false
  #isStopped = false
  /** Live events that wait: behind a gap, or for a page that is under way. */
  readonly #held = new Map<string, Map<number, Frame>>()
  readonly #wanted = new Set<string>()
  /** The pull of each stream that is under way; one that is not in here any more is void. */
  readonly #pulling = new Map<string, object>()
  readonly #gaps = new Map<string, NodeJS.Timeout>()

  constructor({ link, get, store, record, onChange }: CatchUpDeps) {
    this.#link = link
    this.#get = get
    this.#store = store
    this.#record = record
    this.#onChange = onChange
  }

  /** True when nothing is being pulled and nothing waits behind a gap. */
  get isIdle(): boolean {
    return this.#wanted.size === 0 && this.#pulling.size === 0 && this.#held.size === 0
  }

  /** Starts at what `hello` has answered. @returns false when the connection has ended meanwhile */
  async start(welcome: Heads): Promise<boolean> {
    for (const stream of welcome.gone) this.#forget(stream)
    const behind = await this.#behind(welcome)
    if (this.#isStopped) return false
    this.#isLive = true
    for (const stream of behind) this.#pull(stream)
    for (const stream of this.#held.keys()) this.#drain(stream)
    return true
  }

  /** Asks for the heads, and pulls what is elsewhere. @returns whether there was nothing to pull */
  async isLevel(): Promise<boolean> {
    const behind = await this.#behind(await this.#link.ask('sync:heads', { cursors: this.#store.cursors }))
    if (this.#isStopped) return false
    for (const stream of behind) this.#pull(stream)
    return behind.length === 0
  }

  /** Takes a live event; it is applied when it is the next of its stream. */
  receive({ type, stream, rev, data }: Frame): void {
    if (this.#isStopped) return
    this.#record({ kind: 'event', type, stream, rev, data })
    const held = this.#held.get(stream) ?? new Map<number, Frame>()
    this.#held.set(stream, held.set(rev, { type, stream, rev, data }))
    this.#drain(stream)
    this.#onChange()
  }

  /** Stop: nothing is pulled or applied from here on. */
  stop(): void {
    this.#isStopped = true
    this.#isLive = false
    this.#pulling.clear()
    for (const timer of this.#gaps.values()) clearTimeout(timer)
    this.#gaps.clear()
  }

  /** The streams whose head is not where the store is. */
  async #behind(first: Heads): Promise<string[]> {
    const heads = await this.#link.allHeads(first, this.#store.cursors)
    return heads.filter(({ stream, rev }) => this.#store.cursors[stream] !== rev).map(({ stream }) => stream)
  }

  /** Applies what waits and is next. */
  #drain(stream: string): void {
    if (!this.#isLive || this.#isBusy(stream)) return
    const held = this.#held.get(stream)
    if (held === undefined) return
    if (!this.#applyNext(stream, held)) return
    for (const rev of held.keys()) if (rev <= this.#cursor(stream)) held.delete(rev)
    if (held.size === 0) this.#held.delete(stream)
    else if (!this.#gaps.has(stream)) this.#awaitGap(stream)
  }

  /** @returns false when there is nothing to hold any more */
  #applyNext(stream: string, held: Map<number, Frame>): boolean {
    // Of a conversation one is not in yet, or not any more: being added brings all of it.
    if (!(stream in this.#store.cursors || stream.startsWith('user_'))) return !this.#held.delete(stream)
    for (let next = held.get(this.#cursor(stream) + 1); next !== undefined; ) {
      this.#moveTo(stream, next.rev)
      this.#meet(applyEvent(this.#store, next))
      next = held.get(this.#cursor(stream) + 1)
    }
    return true
  }

  #awaitGap(stream: string): void {
    const closeGap = (): void => {
      this.#gaps.delete(stream)
      this.#drain(stream)
      if (this.#held.has(stream)) this.#pull(stream)
    }
    this.#gaps.set(stream, setTimeout(closeGap, GAP_MS))
  }

  #meet({ joined, left }: Demand): void {
    if (joined !== undefined) this.#pull(joined)
    if (left !== undefined) this.#forget(left)
  }

  #isBusy(stream: string): boolean {
    return this.#wanted.has(stream) || this.#pulling.has(stream)
  }

  #cursor(stream: string): number {
    return this.#store.cursors[stream] ?? 0
  }

  #moveTo(stream: string, rev: number): void {
    if (rev <= this.#cursor(stream) && stream in this.#store.cursors) return
    this.#store.cursors[stream] = rev
    this.#record({ kind: 'cursor', stream, rev })
  }

  /** Drops a stream and all that came of it. */
  #forget(stream: string): void {
    delete this.#store.cursors[stream]
    delete this.#store.conversations[stream]
    delete this.#store.cleared[stream]
    this.#held.delete(stream)
    this.#wanted.delete(stream)
    this.#pulling.delete(stream)
    clearTimeout(this.#gaps.get(stream))
    this.#gaps.delete(stream)
  }

  #pull(stream: string): void {
    if (!this.#isBusy(stream)) this.#wanted.add(stream)
    this.#startPulls()
  }

  #startPulls(): void {
    if (this.#isStopped) return
    for (const stream of this.#wanted) {
      if (this.#pulling.size >= PULLS_AT_ONCE) return
      const turn = {}
      this.#wanted.delete(stream)
      this.#pulling.set(stream, turn)
      void this.#pullAll(stream, () => this.#pulling.get(stream) === turn)
    }
  }

  async #pullAll(stream: string, isWanted: () => boolean): Promise<void> {
    for (let isMore = true; isMore && isWanted(); ) {
      isMore = await this.#pullPage(stream, isWanted).catch(async error => {
        if (!isWanted()) return false
        return await this.#pullFailed(stream, error)
      })
    }
    if (this.#isStopped) return
    if (isWanted()) this.#pulling.delete(stream)
    this.#startPulls()
    this.#drain(stream)
    this.#onChange()
  }

  /** @returns whether to try again */
  async #pullFailed(stream: string, error: unknown): Promise<boolean> {
    if (error instanceof Refusal && error.error.code === 'not_found') this.#forget(stream)
    else if (mayRepeat(error)) await delay(RETRY_MS)
    else throw error
    return true
  }

  /** @returns whether there is more */
  async #pullPage(stream: string, isWanted: () => boolean): Promise<boolean> {
    const page: SyncPage = await this.#link.ask('sync:pull', { stream, since: this.#cursor(stream) })
    if (!isWanted()) return false
    if (page.reset === true) {
      await this.#reload(stream, isWanted)
      return true
    }
    for (const item of page.items) {
      this.#record({ kind: 'item', stream, item })
      this.#meet(applyItem(this.#store, stream, item))
    }
    if (!isWanted()) return false
    this.#moveTo(stream, page.rev)
    this.#onChange()
    return page.more
  }

  /** Drops a conversation's data and takes all its history, its members and itself. */
  async #reload(id: string, isWanted: () => boolean): Promise<void> {
    const { rev, ...loaded } = await loadConversation(this.#get, id)
    if (!isWanted()) return
    for (const hidden of Object.keys(this.#store.hidden)) delete loaded.messages[hidden]
    this.#store.conversations[id] = loaded
    this.#moveTo(id, rev)
  }
}
