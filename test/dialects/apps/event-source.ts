import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import { StreamClient } from '../../stream-client.ts'

const RETRY_MS = 50

/** A stream as a browser keeps it: one that ends is opened again, from the last event that came. */
export class EventSource {
  /** Streams so far, the last one open. */
  readonly streams: StreamClient[] = []
  readonly #open: (lastEventId: string) => Promise<StreamClient>
  readonly #over = new AbortController()
  #waiting: (() => void)[] = []

  private constructor(open: (lastEventId: string) => Promise<StreamClient>) {
    this.#open = open
  }

  /** Resolves when it is live; it ends with the test. */
  static async open(t: Test, url: string, token: string): Promise<EventSource> {
    const source = new EventSource(async lastEventId => {
      const place = lastEventId === '' ? {} : { 'last-event-id': lastEventId }
      const stream = await StreamClient.open(t, url, { authorization: `Bearer ${token}`, ...place })
      if (stream.response.statusCode !== 200) throw new Error(`Answered ${stream.response.statusCode}`)
      return stream
    })
    t.teardown(() => source.close())
    const first = await source.#next()
    await first.hear('ready')
    // Where it is closed while it tries, there is nobody to tell.
    void source.#keep(first).catch(() => undefined)
    return source
  }

  /** The texts of all messages that came, in their order. Canonical streams have them one level deeper. */
  get texts(): string[] {
    return this.streams.flatMap(stream => stream.all('message:new').map(({ data, text = data?.text }) => text))
  }

  /** Resolves when a message with this text has come, on whatever stream. */
  async hear(wanted: string): Promise<void> {
    while (!this.texts.includes(wanted)) {
      const current = this.streams.at(-1)
      const isIt = ({ data, text = data?.text }: { data?: { text?: string }; text?: string }) => text === wanted
      const next = new Promise<void>(resolve => this.#waiting.push(resolve))
      await Promise.race([next, current?.hear('message:new', isIt).catch(async () => await next)])
    }
  }

  /** As a lost network does. */
  cut(): void {
    this.streams.at(-1)?.cut()
  }

  /** For good. */
  close(): void {
    this.#over.abort()
    this.cut()
  }

  async #keep(first: StreamClient): Promise<void> {
    let stream = first
    while (!this.#over.signal.aborted) {
      await stream.ended
      stream = await this.#next()
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }

  /** Tries until somebody answers. */
  async #next(): Promise<StreamClient> {
    const lastEventId = this.streams.findLast(stream => stream.lastEventId !== '')?.lastEventId ?? ''
    for (;;) {
      this.#over.signal.throwIfAborted()
      const stream = await this.#open(lastEventId).catch(() => undefined)
      if (stream !== undefined) {
        this.streams.push(stream)
        return stream
      }
      await pause(RETRY_MS, undefined, { signal: this.#over.signal })
    }
  }
}
