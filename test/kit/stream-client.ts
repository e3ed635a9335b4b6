import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Test } from 'tap'
import { eventProblem } from './dialect-events.ts'

/** Server-sent event. */
export interface StreamEvent {
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any
  readonly id: string | undefined
}

/** A client of server-sent events that keeps everything it hears, and what it needs to continue. */
export class StreamClient {
  readonly response: IncomingMessage
  readonly heard: StreamEvent[] = []
  /** Called with each event as it comes. */
  onEvent: (event: StreamEvent) => void = () => undefined
  /** As a browser keeps it. */
  lastEventId = ''
  comments = 0
  /** The last lines, for finding out why it ended. */
  rest = ''
  readonly ended: Promise<void>
  readonly #check: (name: string, data: unknown) => void
  #waiting: (() => void)[] = []

  private constructor(response: IncomingMessage, check: (name: string, data: unknown) => void) {
    this.response = response
    this.#check = check
    this.ended = this.#read().catch(() => undefined)
  }

  /** Opens a stream on a connection of its own; it ends with the test. */
  static async open(t: Test, url: string, headers: Record<string, string> = {}): Promise<StreamClient> {
    const asked = request(url, { headers, agent: false }).end()
    asked.on('error', () => undefined)
    t.teardown(() => void asked.destroy())
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return new StreamClient(response, (name, data) => {
      const isDialect = url.includes('/api/sse')
      const problem = isDialect ? eventProblem({ query: { dialect: 'chatapp' } }, name, data) : undefined
      if (problem !== undefined) t.fail(problem)
    })
  }

  /** The first event of this name, heard already or still to come, that fits. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  async hear(name: string, fits: (data: any) => boolean = () => true): Promise<StreamEvent> {
    for (;;) {
      const found = this.heard.find(it => it.name === name && fits(it.data))
      if (found !== undefined) return found
      const more = new Promise<void>(resolve => this.#waiting.push(resolve))
      const end = this.ended.then(() => Promise.reject(new Error(`The stream ended before ${name}: ${this.rest}`)))
      await Promise.race([more, end])
    }
  }

  /** Events received under this name. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  all(name: string): any[] {
    return this.heard.filter(it => it.name === name).map(({ data }) => data)
  }

  /** Ends it from this side, as a lost network does. */
  cut(): void {
    this.response.destroy()
  }

  async #read(): Promise<void> {
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of this.response) {
      text += decoder.decode(chunk as Buffer, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) this.#take(block)
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }

  #take(block: string): void {
    const fields = new Map(
      block.split('\n').map(line => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon), line.slice(colon + 1).trimStart()]
      })
    )
    if (fields.has('')) this.comments += 1
    this.rest = block
    const id = fields.get('id')
    if (id !== undefined) this.lastEventId = id
    const data = fields.get('data')
    if (data === undefined) return
    const event = { name: fields.get('event') ?? 'message', data: JSON.parse(data), id }
    this.#check(event.name, event.data)
    this.heard.push(event)
    this.onEvent(event)
  }
}
