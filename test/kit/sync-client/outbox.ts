import { setTimeout as delay } from 'node:timers/promises'
import type { Sent } from '../../../protocol/messages/events.ts'
import { Refusal } from '../socket-client.ts'
import type { Write } from './journal.ts'
import type { Link } from './link.ts'

const RETRY_MS = 50

interface Outgoing {
  readonly conversationId: string
  readonly clientId: string
  readonly text: string
  resolve(sent: Sent): void
  reject(error: unknown): void
}

/** A greeted connection, with its journal. */
interface Line {
  readonly link: Link
  readonly record: Write
}

/** Sends that are not answered yet: each greeted connection repeats them, with the same `clientId`. */
export class Outbox {
  readonly #sends = new Map<string, Outgoing>()
  readonly #onChange: () => void
  #line: Line | undefined

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  get size(): number {
    return this.#sends.size
  }

  /** Sends until it is answered, over as many connections as that takes. @throws {Refusal} that repeating cannot help */
  async send(conversationId: string, clientId: string, text: string): Promise<Sent> {
    return await new Promise<Sent>((resolve, reject) => {
      const outgoing = { conversationId, clientId, text, resolve, reject }
      this.#sends.set(`${conversationId} ${clientId}`, outgoing)
      if (this.#line !== undefined) void this.#transmit(outgoing, this.#line)
    })
  }

  /** From now on this connection is used; what waits goes out first. */
  attach(line: Line): void {
    this.#line = line
    for (const outgoing of this.#sends.values()) void this.#transmit(outgoing, line)
  }

  /** The connection is lost: everything waits. */
  detach(): void {
    this.#line = undefined
  }

  async #transmit(outgoing: Outgoing, line: Line): Promise<void> {
    const { conversationId, clientId, text } = outgoing
    const about = { conversationId, clientId }
    line.record({ ...about, kind: 'invoke', text })
    try {
      const sent: Sent = await line.link.ask('message:send', { ...about, text })
      line.record({ ...about, kind: 'ok', ...sent })
      this.#settle(outgoing)
      outgoing.resolve(sent)
    } catch (error) {
      if (error instanceof Refusal) await this.#refused(outgoing, line, error)
      else line.record({ ...about, kind: 'unknown' })
    }
  }

  async #refused(outgoing: Outgoing, line: Line, refusal: Refusal): Promise<void> {
    const { conversationId, clientId } = outgoing
    const { code, retry, retryAfterMs } = refusal.error
    const kind = code === 'unknown_outcome' ? 'unknown' : 'fail'
    line.record({ conversationId, clientId, kind, code, retry })
    if (retry !== 'later') {
      this.#settle(outgoing)
      return outgoing.reject(refusal)
    }
    await delay(retryAfterMs ?? RETRY_MS)
    // After another hello it has been repeated already.
    if (line === this.#line) void this.#transmit(outgoing, line)
  }

  #settle({ conversationId, clientId }: Outgoing): void {
    this.#sends.delete(`${conversationId} ${clientId}`)
    this.#onChange()
  }
}
