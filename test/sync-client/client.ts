import { setTimeout as delay } from 'node:timers/promises'
import type { Sent } from '../../protocol/messages/events.ts'
import type { Heads } from '../../protocol/sync/entities.ts'
import type { Frame } from '../socket-client.ts'
import { CatchUp } from './catch-up.ts'
import type { JournalEntry, Write } from './journal.ts'
import { Cut, Link, mayRepeat } from './link.ts'
import { Outbox } from './outbox.ts'
import { restOf } from './snapshot.ts'
import { type ClientStore, emptyStore } from './store.ts'

const RETRY_MS = 50
/** A connection that is not greeted within this time is given up, ms. */
const GREETING_MS = 10_000

export interface SyncClientOptions {
  /** Of an earlier client of the same person; it is taken over and changed. */
  store?: ClientStore
  /** Hears of everything the client does and gets. */
  record?: (entry: JournalEntry) => void
  /** In the journal. */
  name?: string
  /** Connects again by itself when the connection is lost. */
  isStaying?: boolean
}

/** State that lasts as long as one connection. */
interface Present {
  readonly link: Link
  readonly catchUp: CatchUp
  readonly record: Write
  isGreeted: boolean
}

/**
 * A client as the protocol asks for: keeps a store, applies what comes in `rev` order, pulls what is missing, repeats
 * unanswered sends with the same `clientId`.
 *
 *     const client = await SyncClient.open(server.url, person.token)
 *     await client.send(conversationId, 'a-1', 'hi')
 *     client.cut()
 *     await client.reconnect()            // with its cursors; another node's url may be given
 *     await client.untilLevel()
 *     t.same(client.store, await SyncClient.freshLoad(server.url, person.token))
 */
export class SyncClient {
  readonly store: ClientStore
  readonly name: string
  readonly #token: string
  readonly #record: (entry: JournalEntry) => void
  readonly #outbox = new Outbox(() => this.#changed())
  #isStaying: boolean
  #url: string
  #present: Present | undefined
  #connections = 0
  #waiting: { isMet: () => boolean; resolve: () => void }[] = []

  private constructor(url: string, token: string, options: SyncClientOptions) {
    this.#url = url
    this.#token = token
    this.store = options.store ?? emptyStore()
    this.name = options.name ?? ''
    this.#isStaying = options.isStaying ?? false
    this.#record = options.record ?? (() => undefined)
  }

  /** Connects and says hello; catching up goes on in the background. `url`: `http://host:port` of the server. */
  static async open(url: string, token: string, options: SyncClientOptions = {}): Promise<SyncClient> {
    const client = new SyncClient(url, token, options)
    await client.reconnect()
    return client
  }

  /** Load everything that a person can see, from nothing. */
  static async freshLoad(url: string, token: string): Promise<ClientStore> {
    const client = await SyncClient.open(url, token)
    await client.untilLevel()
    client.close()
    return client.store
  }

  get cursors(): Readonly<Record<string, number>> {
    return this.store.cursors
  }

  /** Greeted, and the connection is there. */
  get isConnected(): boolean {
    return this.#present?.isGreeted ?? false
  }

  /** True when nothing is being pulled and nothing waits behind a gap. */
  get isIdle(): boolean {
    return this.isConnected && this.#present?.catchUp.isIdle === true
  }

  /** Sends that are not answered yet. */
  get unanswered(): number {
    return this.#outbox.size
  }

  /** Sends until it is answered, over as many connections as that takes. @throws {Refusal} that repeating cannot help */
  async send(conversationId: string, clientId: string, text: string): Promise<Sent> {
    return await this.#outbox.send(conversationId, clientId, text)
  }

  /** Send any other command, once, on the present connection. @throws {Refusal | Cut} */
  async ask(type: string, data: unknown = {}): Promise<Frame> {
    if (this.#present === undefined) throw new Cut('Not connected')
    return await this.#present.link.ask(type, data)
  }

  /** Ends the connection without a word. */
  cut(): void {
    this.#present?.link.terminate()
    this.#lose(this.#present)
  }

  /** Ends the connection for good. */
  close(): void {
    this.#isStaying = false
    this.cut()
  }

  /** A new connection, with the store's cursors, here or at another node. */
  async reconnect(url = this.#url): Promise<void> {
    this.cut()
    this.#url = url
    const present = this.#connect()
    const { link } = present
    void link.closed.then(() => this.#lose(present))
    const timer = setTimeout(() => link.terminate(), GREETING_MS)
    try {
      await link.opened
      const { epoch, cursors } = this.store
      const welcome = await link.ask('hello', { token: this.#token, cursors, ...(epoch === '' ? {} : { epoch }) })
      if (present === this.#present) await this.#greeted(present, welcome)
    } catch (error) {
      link.terminate()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Resolves when the store has reached every head. */
  async untilLevel(): Promise<void> {
    for (;;) {
      await this.until(() => this.isIdle)
      try {
        if (await this.#isLevel()) return
      } catch (error) {
        if (!mayRepeat(error) || (this.#present === undefined && !this.#isStaying)) throw error
        await delay(RETRY_MS)
      }
    }
  }

  /** Resolves when the condition is met; it is tried whenever the client's state has changed. */
  async until(isMet: (client: SyncClient) => boolean): Promise<void> {
    if (isMet(this)) return
    await new Promise<void>(resolve => this.#waiting.push({ isMet: () => isMet(this), resolve }))
  }

  async #isLevel(): Promise<boolean> {
    if (this.#present === undefined) throw new Cut('Not connected')
    return await this.#present.catchUp.isLevel()
  }

  #connect(): Present {
    const connection = ++this.#connections
    const record: Write = noticed => this.#record({ client: this.name, connection, ...noticed })
    const link = new Link(this.#url, frame => this.#receive(present, frame))
    const get = restOf(this.#url, this.#token)
    const catchUp = new CatchUp({ link, get, store: this.store, record, onChange: () => this.#changed() })
    const present: Present = { link, catchUp, record, isGreeted: false }
    this.#present = present
    return present
  }

  async #greeted(present: Present, welcome: Heads & { epoch: string }): Promise<void> {
    if (this.store.epoch !== '' && this.store.epoch !== welcome.epoch) Object.assign(this.store, emptyStore())
    this.store.epoch = welcome.epoch
    if (!(await present.catchUp.start(welcome)) || present !== this.#present) return
    present.isGreeted = true
    this.#outbox.attach(present)
    this.#changed()
  }

  #receive(present: Present, frame: Frame): void {
    if (present !== this.#present) return
    if (frame.type === 'receipt:delivered' || frame.type === 'receipt:read') {
      present.record({ kind: 'receipt', ...frame.data })
    }
    if (frame.rev !== undefined) present.catchUp.receive(frame)
  }

  #lose(present: Present | undefined): void {
    if (present === undefined || present !== this.#present) return
    this.#present = undefined
    present.catchUp.stop()
    this.#outbox.detach()
    if (this.#isStaying) void this.#comeBack()
    this.#changed()
  }

  async #comeBack(): Promise<void> {
    await delay(RETRY_MS * (1 + Math.random()))
    if (!this.#isStaying || this.#present !== undefined) return
    // What fails loses its link, and that comes back here.
    await this.reconnect().catch(() => undefined)
  }

  #changed(): void {
    const met = this.#waiting.filter(({ isMet }) => isMet())
    if (met.length === 0) return
    this.#waiting = this.#waiting.filter(it => !met.includes(it))
    for (const { resolve } of met) resolve()
  }
}
