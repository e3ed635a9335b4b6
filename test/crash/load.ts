import { setTimeout as delay } from 'node:timers/promises'
import { SyncClient } from '../kit/sync-client/client.ts'
import type { JournalEntry } from '../kit/sync-client/journal.ts'
import type { Somebody } from './rig.ts'

/** Sends of one client that are under way at once. */
const IN_FLIGHT = 3
const PAUSE_MS = 50

/** A client with the conversations it talks in, and where it connects. */
export interface Talker {
  who: Somebody
  conversations: readonly string[]
  url: string
}

/** Clients that talk until they are stopped, and the journal of all of them. */
export class Load {
  readonly journal: JournalEntry[] = []
  readonly people: Record<string, string> = {}
  readonly clients: SyncClient[] = []
  readonly #random: () => number
  readonly #work: Promise<void>[] = []
  readonly #stopped = new AbortController()
  #sent = 0
  #acknowledged = 0
  #waiting: { count: number; resolve: () => void }[] = []

  constructor(random: () => number) {
    this.#random = random
  }

  /** Connects the clients, and then lets them talk. */
  async run(talkers: readonly Talker[]): Promise<void> {
    await Promise.all(talkers.map(async talker => await this.#connect(talker)))
    for (const [index, { conversations }] of talkers.entries()) {
      for (let worker = 0; worker < IN_FLIGHT; worker++) {
        const client = this.clients[index]
        if (client !== undefined) this.#work.push(this.#talk(client, conversations))
      }
    }
  }

  async #connect({ who, url }: Talker): Promise<void> {
    const index = Object.keys(this.people).length
    const name = `client${index}`
    this.people[name] = who.id
    const record = (entry: JournalEntry) => void this.journal.push(entry)
    const client = await SyncClient.open(url, who.token, { name, record, isStaying: true })
    await client.untilLevel()
    this.clients[index] = client
  }

  /** Resolves after so many more acknowledgements. */
  async progress(count: number): Promise<void> {
    await new Promise<void>(resolve => this.#waiting.push({ count: this.#acknowledged + count, resolve }))
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Sends nothing more. Resolves when everything is answered. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.all(this.#work)
  }

  /** Stops, and resolves when every client has pulled what it has not heard. */
  async settle(): Promise<void> {
    await this.stop()
    await Promise.all(this.clients.map(async client => await client.untilLevel()))
  }

  close(): void {
    for (const client of this.clients) client.close()
  }

  async #talk(client: SyncClient, conversations: readonly string[]): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const conversationId = conversations[Math.floor(this.#random() * conversations.length)] ?? ''
      const clientId = `${client.name}-${this.#sent++}`
      const { seq } = await client.send(conversationId, clientId, `text of ${clientId}`)
      this.#count()
      if (this.#random() < 0.2) await this.#read(client, conversationId, seq)
      await delay(this.#random() * 2 * PAUSE_MS)
    }
  }

  /** A receipt that is answered is kept like a message; one that is not is not repeated. */
  async #read(client: SyncClient, conversationId: string, seq: number): Promise<void> {
    const receipt = await client.ask('receipt:read', { conversationId, seq }).catch(() => undefined)
    if (receipt === undefined) return
    this.journal.push({ client: `${client.name} read`, connection: this.journal.length, kind: 'receipt', ...receipt })
  }

  #count(): void {
    this.#acknowledged += 1
    for (const { resolve } of this.#waiting.filter(({ count }) => count <= this.#acknowledged)) resolve()
    this.#waiting = this.#waiting.filter(({ count }) => count > this.#acknowledged)
  }
}
