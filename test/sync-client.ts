import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { Conversation, ConversationView, Member } from '../protocol/entities/conversation.ts'
import type { Message } from '../protocol/entities/message.ts'
import type { SyncItem, SyncPage } from '../protocol/events/conversation.ts'
import type { HistoryPage, Sent } from '../protocol/events/message.ts'
import type { Heads } from '../protocol/events/session.ts'
import type { MemberPage } from '../protocol/routes/conversations.ts'
import { type Frame, Refusal } from './socket-client.ts'

/** How long a gap may close by itself before it is pulled, ms. */
const GAP_MS = 300
const PULLS_AT_ONCE = 4
const RETRY_MS = 50
/** A connection that is not greeted within this time is given up, ms. */
const GREETING_MS = 10_000

/** What a client keeps of one conversation: current states. Who has left is not in `members`. */
export interface StoredConversation {
  conversation?: Conversation
  members: Record<string, Member>
  messages: Record<string, Message>
}

/**
 * What a client keeps between connections: data, and the cursors that belong to it. Two stores of one person that
 * are both level are deeply equal.
 */
export interface ClientStore {
  epoch: string
  cursors: Record<string, number>
  conversations: Record<string, StoredConversation>
  /** Messages the person has deleted for themselves. */
  hidden: Record<string, true>
}

/** What a client noticed, in its order. `connection` counts the connections of this client. */
export type JournalEntry = { client: string; connection: number } & (
  | { kind: 'invoke'; conversationId: string; clientId: string; text: string }
  | ({ kind: 'ok'; conversationId: string; clientId: string } & Sent)
  | { kind: 'fail'; conversationId: string; clientId: string; code: string; retry: string }
  | { kind: 'unknown'; conversationId: string; clientId: string }
  | { kind: 'event'; type: string; stream: string; rev: number; data: Frame }
  | { kind: 'item'; stream: string; item: SyncItem }
  | { kind: 'cursor'; stream: string; rev: number }
  | { kind: 'receipt'; conversationId: string; userId: string; deliveredSeq: number; readSeq: number }
)

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

interface Outgoing {
  readonly conversationId: string
  readonly clientId: string
  readonly text: string
  resolve(sent: Sent): void
  reject(error: unknown): void
}

/** One try of a send. */
type Attempt = Pick<Extract<JournalEntry, { kind: 'invoke' }>, 'client' | 'connection' | 'conversationId' | 'clientId'>

/** A connection that ended before an answer came. */
export class Cut extends Error {}

/** A store with nothing in it. */
export function emptyStore(): ClientStore {
  return { epoch: '', cursors: {}, conversations: {}, hidden: {} }
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
  #isStaying: boolean
  #url: string
  #link: Link | undefined
  #connections = 0
  /** The connection once it is greeted. */
  #live: Link | undefined
  readonly #outbox = new Map<string, Outgoing>()
  /** Live events that wait: behind a gap, or for a page that is under way. */
  readonly #held = new Map<string, Map<number, Frame>>()
  readonly #wanted = new Set<string>()
  /** The pull of each stream that is under way; one that is not in here any more is void. */
  readonly #pulling = new Map<string, object>()
  readonly #gaps = new Map<string, NodeJS.Timeout>()
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

  /** Everything somebody can see, loaded from nothing. */
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
    return this.#live !== undefined
  }

  /** Nothing is being pulled and nothing waits behind a gap. */
  get isIdle(): boolean {
    return this.isConnected && this.#wanted.size === 0 && this.#pulling.size === 0 && this.#held.size === 0
  }

  /** Sends that are not answered yet. */
  get unanswered(): number {
    return this.#outbox.size
  }

  /** Sends until it is answered, over as many connections as that takes. @throws {Refusal} that repeating cannot help */
  async send(conversationId: string, clientId: string, text: string): Promise<Sent> {
    return await new Promise<Sent>((resolve, reject) => {
      const outgoing = { conversationId, clientId, text, resolve, reject }
      this.#outbox.set(`${conversationId} ${clientId}`, outgoing)
      if (this.isConnected) void this.#transmit(outgoing)
    })
  }

  /** Any other command, once, on the present connection. @throws {Refusal | Cut} */
  async ask(type: string, data: unknown = {}): Promise<Frame> {
    if (this.#link === undefined) throw new Cut('Not connected')
    return await this.#link.ask(type, data)
  }

  /** Ends the connection without a word. */
  cut(): void {
    this.#link?.terminate()
    this.#lose(this.#link)
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
    const link = new Link(url, frame => this.#receive(link, frame))
    this.#link = link
    this.#connections += 1
    void link.closed.then(() => this.#lose(link))
    const timer = setTimeout(() => link.terminate(), GREETING_MS)
    try {
      await link.opened
      const { epoch, cursors } = this.store
      const welcome = await link.ask('hello', { token: this.#token, cursors, ...(epoch === '' ? {} : { epoch }) })
      if (link === this.#link) await this.#greeted(link, welcome)
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
        if (!mayRepeat(error) || (this.#link === undefined && !this.#isStaying)) throw error
        await delay(RETRY_MS)
      }
    }
  }

  /** Resolves when the condition is met; it is tried whenever the client's state has changed. */
  async until(isMet: (client: SyncClient) => boolean): Promise<void> {
    if (isMet(this)) return
    await new Promise<void>(resolve => this.#waiting.push({ isMet: () => isMet(this), resolve }))
  }

  /** Asks for the heads, and pulls those that are elsewhere. */
  async #isLevel(): Promise<boolean> {
    const link = this.#link
    if (link === undefined) throw new Cut('Not connected')
    const heads = await allHeads(
      link,
      await link.ask('sync:heads', { cursors: this.store.cursors }),
      this.store.cursors
    )
    if (link !== this.#link) return false
    const behind = heads.filter(({ stream, rev }) => this.store.cursors[stream] !== rev)
    for (const { stream } of behind) this.#pull(stream)
    return behind.length === 0
  }

  async #greeted(link: Link, welcome: Heads & { epoch: string }): Promise<void> {
    if (this.store.epoch !== '' && this.store.epoch !== welcome.epoch) Object.assign(this.store, emptyStore())
    this.store.epoch = welcome.epoch
    for (const stream of welcome.gone) this.#drop(stream)
    const heads = await allHeads(link, welcome, this.store.cursors)
    if (link !== this.#link) return
    this.#live = link
    for (const { stream, rev } of heads) if (this.store.cursors[stream] !== rev) this.#pull(stream)
    for (const stream of this.#held.keys()) this.#drain(stream)
    for (const outgoing of this.#outbox.values()) void this.#transmit(outgoing)
    this.#changed()
  }

  #lose(link: Link | undefined): void {
    if (link === undefined || link !== this.#link) return
    this.#link = undefined
    this.#live = undefined
    this.#held.clear()
    this.#wanted.clear()
    this.#pulling.clear()
    for (const timer of this.#gaps.values()) clearTimeout(timer)
    this.#gaps.clear()
    if (this.#isStaying) void this.#comeBack()
    this.#changed()
  }

  async #comeBack(): Promise<void> {
    await delay(RETRY_MS * (1 + Math.random()))
    if (!this.#isStaying || this.#link !== undefined) return
    // What fails loses its link, and that comes back here.
    await this.reconnect().catch(() => undefined)
  }

  async #transmit(outgoing: Outgoing): Promise<void> {
    const { conversationId, clientId, text } = outgoing
    const about: Attempt = { client: this.name, connection: this.#connections, conversationId, clientId }
    this.#record({ ...about, kind: 'invoke', text })
    try {
      const sent: Sent = await this.ask('message:send', { conversationId, clientId, text })
      this.#record({ ...about, kind: 'ok', ...sent })
      this.#settle(outgoing)
      outgoing.resolve(sent)
    } catch (error) {
      if (error instanceof Refusal) await this.#refused(outgoing, about, error)
      else this.#record({ ...about, kind: 'unknown' })
    }
  }

  async #refused(outgoing: Outgoing, about: Attempt, refusal: Refusal): Promise<void> {
    const { code, retry, retryAfterMs } = refusal.error
    this.#record({ ...about, kind: code === 'unknown_outcome' ? 'unknown' : 'fail', code, retry })
    if (retry !== 'later') {
      this.#settle(outgoing)
      return outgoing.reject(refusal)
    }
    await delay(retryAfterMs ?? RETRY_MS)
    // After another hello it has been repeated already.
    if (about.connection === this.#connections && this.isConnected) void this.#transmit(outgoing)
  }

  #settle({ conversationId, clientId }: Outgoing): void {
    this.#outbox.delete(`${conversationId} ${clientId}`)
    this.#changed()
  }

  #receive(link: Link, frame: Frame): void {
    if (link !== this.#link) return
    const about = { client: this.name, connection: this.#connections }
    if (frame.type === 'receipt:delivered' || frame.type === 'receipt:read') {
      this.#record({ ...about, kind: 'receipt', ...frame.data })
    }
    if (frame.rev === undefined) return
    const { type, stream, rev, data } = frame
    this.#record({ ...about, kind: 'event', type, stream, rev, data })
    const held = this.#held.get(stream) ?? new Map<number, Frame>()
    this.#held.set(stream, held.set(rev, frame))
    this.#drain(stream)
    this.#changed()
  }

  /** Applies what waits and is next. */
  #drain(stream: string): void {
    if (!this.isConnected || this.#isBusy(stream)) return
    const held = this.#held.get(stream)
    if (held === undefined) return
    if (!this.#applyNext(stream, held)) return
    for (const rev of held.keys()) if (rev <= this.#cursor(stream)) held.delete(rev)
    if (held.size === 0) this.#held.delete(stream)
    else if (!this.#gaps.has(stream))
      this.#gaps.set(
        stream,
        setTimeout(() => this.#closeGap(stream), GAP_MS)
      )
  }

  /** @returns false when there is nothing to hold any more */
  #applyNext(stream: string, held: Map<number, Frame>): boolean {
    // Of a conversation one is not in yet, or not any more: being added brings all of it.
    if (!(stream in this.store.cursors || stream.startsWith('user_'))) return !this.#held.delete(stream)
    for (let next = held.get(this.#cursor(stream) + 1); next !== undefined; ) {
      this.#apply(stream, next)
      next = held.get(this.#cursor(stream) + 1)
    }
    return true
  }

  #closeGap(stream: string): void {
    this.#gaps.delete(stream)
    this.#drain(stream)
    if (this.#held.has(stream)) this.#pull(stream)
  }

  #isBusy(stream: string): boolean {
    return this.#wanted.has(stream) || this.#pulling.has(stream)
  }

  #cursor(stream: string): number {
    return this.store.cursors[stream] ?? 0
  }

  #moveTo(stream: string, rev: number): void {
    if (rev <= this.#cursor(stream) && stream in this.store.cursors) return
    this.store.cursors[stream] = rev
    this.#record({ client: this.name, connection: this.#connections, kind: 'cursor', stream, rev })
  }

  #apply(stream: string, { type, rev, data }: Frame): void {
    this.#moveTo(stream, rev)
    if (type === 'conversation:added') this.#join(data)
    else if (type === 'conversation:removed') this.#drop(data.conversationId)
    else if (type === 'message:hidden') this.#hide(data)
    else if (type.startsWith('message:')) this.#upsertMessage(data)
    else if (type.startsWith('reaction:')) this.#upsertMessage(data.message)
    else if (type === 'member:changed') for (const member of data.members) this.#upsertMember(stream, member)
    else if (type === 'conversation:updated') this.#upsertConversation(data)
  }

  #applyItem(stream: string, item: SyncItem): void {
    this.#record({ client: this.name, connection: this.#connections, kind: 'item', stream, item })
    if (item.type === 'message') this.#upsertMessage(item.message)
    else if (item.type === 'member') this.#upsertMember(stream, item.member)
    else if (item.type === 'conversation') this.#upsertConversation(item.conversation)
    else if (item.type === 'membership') this.#join(item.conversation)
    else if (item.type === 'removed') this.#drop(item.conversationId)
    else if (item.type === 'hidden') this.#hide(item)
  }

  #stored(id: string): StoredConversation {
    const stored = this.store.conversations[id] ?? { members: {}, messages: {} }
    this.store.conversations[id] = stored
    return stored
  }

  #upsertMessage(message: Message): void {
    if (message.id in this.store.hidden) return
    const { messages } = this.#stored(message.conversationId)
    if (message.rev > (messages[message.id]?.rev ?? 0)) messages[message.id] = message
  }

  #upsertMember(stream: string, member: Member): void {
    const { members } = this.#stored(stream)
    if (member.rev <= (members[member.userId]?.rev ?? 0)) return
    if (member.leftAt === undefined) members[member.userId] = member
    else delete members[member.userId]
  }

  #upsertConversation(conversation: Conversation): void {
    const stored = this.#stored(conversation.id)
    if (conversation.rev > (stored.conversation?.rev ?? 0)) stored.conversation = conversation
  }

  #hide({ conversationId, messageId }: { conversationId: string; messageId: string }): void {
    this.store.hidden[messageId] = true
    delete this.store.conversations[conversationId]?.messages[messageId]
  }

  /** Into a conversation, again perhaps: what was said before this time is not for its eyes. */
  #join({ id, me }: ConversationView): void {
    const messages = this.store.conversations[id]?.messages ?? {}
    for (const message of Object.values(messages)) if (message.seq <= me.joinedSeq) delete messages[message.id]
    this.#pull(id)
  }

  #drop(stream: string): void {
    delete this.store.cursors[stream]
    delete this.store.conversations[stream]
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
    const link = this.#link
    if (link === undefined) return
    for (const stream of this.#wanted) {
      if (this.#pulling.size >= PULLS_AT_ONCE) return
      const turn = {}
      this.#wanted.delete(stream)
      this.#pulling.set(stream, turn)
      void this.#pullAll(link, stream, () => this.#pulling.get(stream) === turn)
    }
  }

  async #pullAll(link: Link, stream: string, isWanted: () => boolean): Promise<void> {
    for (let isMore = true; isMore && isWanted(); ) {
      isMore = await this.#pullPage(link, stream, isWanted).catch(async error => {
        if (!isWanted()) return false
        return await this.#pullFailed(stream, error)
      })
    }
    if (isWanted()) this.#pulling.delete(stream)
    if (link !== this.#link) return
    this.#startPulls()
    this.#drain(stream)
    this.#changed()
  }

  /** @returns whether to try again */
  async #pullFailed(stream: string, error: unknown): Promise<boolean> {
    if (error instanceof Refusal && error.error.code === 'not_found') this.#drop(stream)
    else if (mayRepeat(error)) await delay(RETRY_MS)
    else throw error
    return true
  }

  /** @returns whether there is more */
  async #pullPage(link: Link, stream: string, isWanted: () => boolean): Promise<boolean> {
    const page: SyncPage = await link.ask('sync:pull', { stream, since: this.#cursor(stream) })
    if (!isWanted()) return false
    if (page.reset === true) {
      await this.#reload(stream, isWanted)
      return true
    }
    for (const item of page.items) this.#applyItem(stream, item)
    if (!isWanted()) return false
    this.#moveTo(stream, page.rev)
    this.#changed()
    return page.more
  }

  /** Drops a conversation's data and takes all its history, its members and itself. */
  async #reload(id: string, isWanted: () => boolean): Promise<void> {
    const { messages, rev } = await this.#allMessages(id)
    const members = await this.#allMembers(id)
    const conversation = sharedPart(await this.#get<ConversationView>(`/v1/conversations/${id}`))
    if (!isWanted()) return
    this.store.conversations[id] = { conversation, members, messages }
    this.#moveTo(id, rev)
  }

  /** With the head as it was before the first page. */
  async #allMessages(id: string): Promise<{ messages: Record<string, Message>; rev: number }> {
    const messages: Record<string, Message> = {}
    const path = `/v1/conversations/${id}/messages?limit=100`
    let page = await this.#get<HistoryPage>(path)
    const { rev } = page
    for (;;) {
      for (const message of page.messages) if (!(message.id in this.store.hidden)) messages[message.id] = message
      if (!page.more) return { messages, rev }
      page = await this.#get<HistoryPage>(`${path}&before=${page.messages[0]?.seq}`)
    }
  }

  async #allMembers(id: string): Promise<Record<string, Member>> {
    const members: Record<string, Member> = {}
    const path = `/v1/conversations/${id}/members?limit=100`
    for (
      let page = await this.#get<MemberPage>(path);
      ;
      page = await this.#get<MemberPage>(`${path}&after=${page.next}`)
    ) {
      for (const member of page.members) members[member.userId] = member
      if (page.next === undefined) return members
    }
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}${path}`, { headers: { authorization: `Bearer ${this.#token}` } })
    const body = (await response.json()) as T & { code: string }
    if (!response.ok) throw new Refusal({ code: body.code, retry: response.status >= 500 ? 'later' : 'no' })
    return body
  }

  #changed(): void {
    const met = this.#waiting.filter(({ isMet }) => isMet())
    if (met.length === 0) return
    this.#waiting = this.#waiting.filter(it => !met.includes(it))
    for (const { resolve } of met) resolve()
  }
}

/** Of a view, what is the same for every member. */
function sharedPart({ id, type, rev, name, description, avatarUrl, createdAt }: ConversationView): Conversation {
  return {
    ...{ id, type, rev, createdAt },
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(avatarUrl === undefined ? {} : { avatarUrl })
  }
}

async function allHeads(link: Link, first: Heads, cursors: Readonly<Record<string, number>>): Promise<Heads['heads']> {
  const heads = [...first.heads]
  for (let page = first; page.more; heads.push(...page.heads)) {
    page = await link.ask('sync:heads', { cursors, after: page.after })
  }
  return heads
}

function mayRepeat(error: unknown): boolean {
  return (
    error instanceof Cut || error instanceof TypeError || (error instanceof Refusal && error.error.retry === 'later')
  )
}

/** One connection: commands with their answers, and a listener for everything else. */
class Link {
  readonly opened: Promise<void>
  readonly closed: Promise<void>
  readonly #ws: WebSocket
  readonly #asked = new Map<string, { resolve: (data: Frame) => void; reject: (error: Error) => void }>()
  #nextId = 0

  constructor(url: string, onEvent: (frame: Frame) => void) {
    const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`)
    this.#ws = ws
    ws.on('error', () => undefined)
    ws.on('message', data => {
      const frame = JSON.parse(String(data))
      if (frame.id === undefined) onEvent(frame)
      else this.#answer(frame)
    })
    this.closed = new Promise(resolve => {
      ws.on('close', () => {
        for (const { reject } of this.#asked.values()) reject(new Cut('The connection ended'))
        this.#asked.clear()
        resolve()
      })
    })
    this.opened = new Promise((resolve, reject) => {
      ws.once('open', resolve).once('close', () => reject(new Cut('No connection')))
    })
  }

  async ask(type: string, data: unknown): Promise<Frame> {
    const id = String(this.#nextId++)
    return await new Promise((resolve, reject) => {
      if (this.#ws.readyState !== WebSocket.OPEN) return reject(new Cut('The connection has ended'))
      this.#asked.set(id, { resolve, reject })
      this.#ws.send(JSON.stringify({ v: 1, id, type, data }))
    })
  }

  terminate(): void {
    this.#ws.terminate()
  }

  #answer(frame: Frame): void {
    const asked = this.#asked.get(frame.id)
    this.#asked.delete(frame.id)
    if (frame.ok) asked?.resolve(frame.data)
    else asked?.reject(new Refusal(frame.error))
  }
}
