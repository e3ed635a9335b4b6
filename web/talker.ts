import type { SignedIn } from '../protocol/accounts/entities.ts'
import type { Message } from '../protocol/messages/entities.ts'
import type { SyncPage } from '../protocol/sync/events.ts'
import { signIn } from './account.ts'
import { type EventFrame, Line } from './line.ts'

/** Close codes from the one to below the other say that a token is refused or over: a new one helps. */
const TOKENS_BEGIN = 4100
const TOKENS_END = 4200
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 10_000

/** Whether somebody is connected: `offline` is their own wish. */
export type State = 'offline' | 'connecting' | 'online'

/** Shows what somebody sees. */
export interface View {
  show(message: Message): void
  state(state: State): void
  typing(isTyping: boolean): void
  problem(error: unknown): void
}

/** Somebody in one conversation, with a cursor by which they miss nothing (protocol/PROTOCOL.md, rules for a client). */
export class Talker {
  readonly userId: string
  readonly #name: string
  readonly #conversationId: string
  readonly #view: View
  #token: string
  #line: Line | undefined
  #isWanted = false
  #waitMs = FIRST_WAIT_MS
  #cursor = 0
  #pulling: Promise<void> | undefined
  #lastTypingAt = 0

  constructor({ user, accessToken }: SignedIn, conversationId: string, view: View) {
    this.userId = user.id
    this.#name = user.displayName
    this.#token = accessToken
    this.#conversationId = conversationId
    this.#view = view
  }

  get isWanted(): boolean {
    return this.#isWanted
  }

  /** Connects, catches up, and comes back whenever the connection is lost. */
  async goOnline(): Promise<void> {
    this.#isWanted = true
    this.#view.state('connecting')
    try {
      const line = await Line.open({
        onEvent: event => this.#hear(event),
        onClosed: code => void this.#lost(line, code)
      })
      this.#line = line
      await line.ask('hello', { token: this.#token, cursors: { [this.#conversationId]: this.#cursor } })
      await this.#pull(line)
      this.#waitMs = FIRST_WAIT_MS
      this.#view.state('online')
    } catch (error) {
      if (this.#line === undefined) await this.#lost(undefined, 1006)
      else this.#view.problem(error)
    }
  }

  goOffline(): void {
    this.#isWanted = false
    this.#line?.close()
  }

  /** Sends a text. The `clientId` names it, so that it is there once whatever happens. */
  async send(text: string): Promise<void> {
    await this.#line?.ask('message:send', {
      conversationId: this.#conversationId,
      clientId: `${Date.now()}-${Math.random().toString(36).slice(2)}`,
      text
    })
  }

  /** Says that they are typing, at most every three seconds. */
  type(): void {
    if (performance.now() - this.#lastTypingAt < 3_000) return
    this.#lastTypingAt = performance.now()
    this.#line?.say('typing:start', { conversationId: this.#conversationId })
  }

  async #lost(line: Line | undefined, code: number): Promise<void> {
    if (line !== this.#line) return
    this.#line = undefined
    this.#view.typing(false)
    if (!this.#isWanted) return this.#view.state('offline')
    this.#view.state('connecting')
    await new Promise(resolve => setTimeout(resolve, this.#waitMs * (0.5 + Math.random())))
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS)
    if (!this.#isWanted) return this.#view.state('offline')
    try {
      if (code >= TOKENS_BEGIN && code < TOKENS_END) this.#token = (await signIn(this.#name)).accessToken
      await this.goOnline()
    } catch (error) {
      this.#view.problem(error)
      await this.#lost(undefined, code)
    }
  }

  #hear({ type, stream, rev = 0, data }: EventFrame): void {
    if (type.startsWith('typing:')) return this.#view.typing(type === 'typing:start' && this.#isOther(data))
    if (stream !== this.#conversationId || rev <= this.#cursor || this.#line === undefined) return
    // While a page is on its way it brings this change, or the next one does.
    if (rev > this.#cursor + 1 || this.#pulling !== undefined) return void this.#pull(this.#line)
    this.#cursor = rev
    if (isMessage(data)) this.#show(data)
  }

  async #pull(line: Line): Promise<void> {
    const before = this.#pulling
    const pulling = (async () => {
      await before
      for (let more = true; more; ) {
        const page = await line.ask<SyncPage>('sync:pull', { stream: this.#conversationId, since: this.#cursor })
        for (const item of page.items) if (item.type === 'message') this.#show(item.message)
        this.#cursor = page.rev
        more = page.more
      }
    })()
    this.#pulling = pulling
    try {
      await pulling
    } finally {
      if (this.#pulling === pulling) this.#pulling = undefined
    }
  }

  #show(message: Message): void {
    if (message.senderId !== this.userId) this.#view.typing(false)
    this.#view.show(message)
  }

  #isOther(data: unknown): boolean {
    return typeof data === 'object' && data !== null && 'userId' in data && data.userId !== this.userId
  }
}

function isMessage(data: unknown): data is Message {
  return typeof data === 'object' && data !== null && 'seq' in data && 'senderId' in data
}
