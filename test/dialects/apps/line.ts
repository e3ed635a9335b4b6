import { ask } from '../../kit/http.ts'
import type { Heard } from '../../kit/packet-client.ts'
import type { Guest, Hearing } from './app.ts'

/** The app was told no. */
export class Refused extends Error {
  readonly code: string
  readonly status: number | undefined

  constructor(code: string, status: number | undefined, what: string) {
    super(`${what}: ${status ?? ''} ${code}`)
    this.code = code
    this.status = status
  }
}

// biome-ignore lint/suspicious/noExplicitAny: apps look into answers of every shape
type Answer = any

/** The 24 hexadecimal digits of an id. */
export function bare(id: string): string {
  return id.slice(-24)
}

/** A REST call as this app makes it. @returns the body @throws {Refused} */
export async function call(guest: Guest, method: string, path: string, body?: object): Promise<Answer> {
  const { server, person, label, recorder } = guest
  const { status, text } = await ask(`${server.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${person.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' })
    },
    body: body === undefined ? undefined : JSON.stringify(body)
  })
  const answer: Answer = text === '' ? null : JSON.parse(text)
  const says = `${method} ${path}`
  recorder.note({ who: label, says, ...(body && { with: body }), answer: { status, body: answer } })
  if (status >= 300) throw new Refused(answer?.error?.code ?? answer?.code ?? 'none', status, says)
  return answer
}

/** Something that acknowledges what is said. */
interface Driver {
  ask(name: string, data: unknown): Promise<Answer>
}

/** Says something on a socket. @returns the acknowledgement @throws {Refused} */
export async function say({ recorder, label }: Guest, driver: Driver, name: string, data: object): Promise<Answer> {
  const answer = await driver.ask(name, data).catch((error: { error?: unknown }) => ({ error: error.error ?? error }))
  recorder.note({ who: label, says: name, with: data, answer })
  if (answer?.error?.code !== undefined) throw new Refused(answer.error.code, undefined, name)
  return answer
}

/** Keeps what is heard. */
export class EventListener implements Hearing {
  readonly heard: Heard[] = []
  #waiting: (() => void)[] = []

  take(name: string, data: unknown): void {
    this.heard.push({ name, data })
    for (const wake of this.#waiting.splice(0)) wake()
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of every shape
  async hear(name: string, fits: (data: any) => boolean = () => true): Promise<any> {
    for (;;) {
      const found = this.heard.find(it => it.name === name && fits(it.data))
      if (found !== undefined) return found.data
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }
}

/** Opens a stream of server-sent events; resolves when it is live. It ends with the test. */
export async function listen(
  { t, server, person }: Guest,
  path: string,
  listener = new EventListener()
): Promise<EventListener> {
  const over = new AbortController()
  t.teardown(() => over.abort())
  const headers = { authorization: `Bearer ${person.token}` }
  const { ok, status, body } = await fetch(`${server.url}${path}`, { headers, signal: over.signal })
  if (!ok || body === null) throw new Error(`${path} answered ${status}`)
  void readStream(body, listener).catch(() => undefined)
  await listener.hear('ready')
  return listener
}

async function readStream(body: ReadableStream<Uint8Array>, listener: EventListener): Promise<void> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) takeBlock(block, listener)
  }
}

function takeBlock(block: string, listener: EventListener): void {
  const field = (name: string) =>
    block
      .split('\n')
      .find(line => line.startsWith(`${name}: `))
      ?.slice(name.length + 2)
  const name = field('event')
  if (name !== undefined) listener.take(name, JSON.parse(field('data') ?? 'null'))
}
