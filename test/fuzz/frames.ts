import fc from 'fast-check'
import { CLOSE } from '../../protocol/close.ts'
import { Checker } from './checker.ts'
import type { Findings } from './findings.ts'
import { type Frame, FrameLine, type Outcome } from './frame-line.ts'
import { withKnown } from './known.ts'
import { almost, hostile, type Schema, valuesOf } from './values.ts'
import type { World } from './world.ts'

const SIGNED_IN = ['ann', 'ann', 'ben', 'stranger', 'guest'] as const
type SignedIn = (typeof SIGNED_IN)[number]

/** Codes of PROTOCOL.md with which a connection may end, besides `internal`. */
const MAY_CLOSE: readonly number[] = [...Object.values(CLOSE).filter(it => it !== CLOSE.internal), 1003, 1009]

/** Frames that are no commands. */
const BAD_FRAMES: readonly string[] = [
  ...['', ' ', '{', '[]', 'null', '5', '"text"', '{}', '{"v":1}', '{"v":2,"id":"a","type":"ping"}', '\u0000'],
  ...['{"v":1,"id":"a","type":"ping"', '{"v":1,"id":"a","type":"none"}', '{"v":1,"type":"message:send","data":{}}'],
  ...['{"v":1,"id":{},"type":"ping"}', '{"v":1,"id":"a","type":"__proto__"}', '{"v":1,"id":"a","type":"constructor"}'],
  ...[`{"v":1,"id":"${'a'.repeat(65)}","type":"ping"}`, `${'{"v":'.repeat(500)}1${'}'.repeat(500)}`],
  ...[`{"v":1,"id":"a","type":"ping","data":${'['.repeat(40)}${']'.repeat(40)}}`, 'x'.repeat(70_000)]
]

interface AsyncApi {
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly name: string; readonly payload: Schema }>>
  }
}

/** A command: its name, and the schema of its data. */
export interface CommandData {
  readonly type: string
  readonly data: Schema
}

interface Options {
  readonly seed: number
  /** Of each command. */
  readonly cases: number
}

/** Says every command of the contract on the socket, rightly, nearly so and badly, and checks each frame that comes. */
export async function fuzzFrames(world: World, findings: Findings, { seed, cases }: Options): Promise<void> {
  const document: AsyncApi = (await world.server.call(undefined, 'GET', '/asyncapi.json')).body
  const checker = new Checker(document)
  const schemas = document.components.messages
  const problemOf = (frame: Frame): string | undefined => {
    const kind = 'ok' in frame ? 'reply' : 'event'
    const name = frame.ok === false ? 'refusal' : `${kind}.${String(frame.type).replace(':', '.')}`
    const schema = schemas[name]
    return schema === undefined ? `${name} is not documented` : checker.problemOf(schema.payload, frame)
  }
  const offering = withKnown<AsyncApi>(document, world.known)
  const { resolve } = new Checker(offering)
  const { messages } = offering.components
  const commands = Object.entries(messages).flatMap(([name, { name: type, payload }]) =>
    name.startsWith('command.') ? [{ type, data: payload.properties?.['data'] ?? {} }] : []
  )
  const fuzzer = new FrameFuzzer(world, findings, { path: '/ws', problemOf })
  for (const [index, { type, data }] of commands.entries()) {
    const samples = fc.sample(sayings(valuesOf(data, resolve)), { seed: seed + index, numRuns: cases })
    for (const it of samples) await (type === 'hello' ? fuzzer.greet(it.data) : fuzzer.say(it.who, type, it.data))
  }
  await fuzzer.sendBad(fc.sample(badFrames(commands.map(({ type }) => type)), { seed, numRuns: cases * 4 }))
  fuzzer.close()
}

/** Says every command of a dialect on the socket, in frames. */
export async function fuzzDialectFrames(
  world: World,
  findings: Findings,
  { dialect, commands, seed, cases }: Options & { readonly dialect: string; readonly commands: readonly CommandData[] }
): Promise<void> {
  const problemOf = (frame: Frame) =>
    frame.ok === undefined || typeof frame.ok === 'boolean' ? undefined : 'ok is neither true nor false'
  const fuzzer = new FrameFuzzer(world, findings, { path: `/ws?dialect=${dialect}`, problemOf })
  for (const [index, { type, data }] of commands.entries()) {
    const samples = fc.sample(sayings(valuesOf(data, missing)), { seed: seed + index, numRuns: cases })
    for (const it of samples) await fuzzer.say(it.who, type, it.data)
  }
  fuzzer.close()
}

function missing(ref: string): never {
  throw new Error(`${ref} is in no document`)
}

/** Data of a command, and who says it. */
export function sayings(right: fc.Arbitrary<unknown>): fc.Arbitrary<{ who: SignedIn; data: unknown }> {
  const data = fc.oneof(
    { weight: 5, arbitrary: right },
    { weight: 3, arbitrary: almost(right) },
    { weight: 1, arbitrary: hostile }
  )
  return fc.record({ who: fc.constantFrom(...SIGNED_IN), data })
}

function badFrames(types: readonly string[]): fc.Arbitrary<string> {
  const envelope = fc.record({
    v: fc.constant(1),
    id: fc.stringMatching(/^[A-Za-z0-9_.:-]{1,64}$/),
    type: fc.constantFrom(...types),
    data: fc.constant({})
  })
  return fc.oneof(
    almost(envelope).map(it => JSON.stringify(it)),
    fc.constantFrom(...BAD_FRAMES),
    fc.string()
  )
}

interface Place {
  readonly path: string
  /** What of a frame is not as documented. */
  readonly problemOf: (frame: Frame) => string | undefined
}

/** Talks on one connection for each person, and opens it again when it was closed. */
class FrameFuzzer {
  readonly #world: World
  readonly #findings: Findings
  readonly #place: Place
  readonly #lines = new Map<SignedIn, FrameLine>()

  constructor(world: World, findings: Findings, place: Place) {
    this.#world = world
    this.#findings = findings
    this.#place = place
  }

  async say(who: SignedIn, type: string, data: unknown): Promise<void> {
    const line = await this.#line(who)
    const outcome = await line.ask(type, data)
    this.#note(type, outcome, () => JSON.stringify(data), type)
    // The command may have ended the session.
    if (outcome.kind === 'closed' && who === 'guest') await this.#world.renewGuest()
  }

  /** A first frame, on a connection of its own. */
  async greet(data: unknown): Promise<void> {
    const line = await this.#open()
    this.#note('hello', await line.ask('hello', data), () => JSON.stringify(data), 'hello')
    line.close()
  }

  /** Frames that make no sense, one after the other. While the connection is open, a ping is answered. */
  async sendBad(texts: readonly string[]): Promise<void> {
    let line = await this.#enter('ann')
    for (const text of [...texts, Buffer.from('{}')]) {
      if (!line.isOpen) line = await this.#enter('ann')
      line.say(text)
      this.#note('a bad frame', await line.ask('ping', {}), () => String(text))
    }
    line.close()
  }

  close(): void {
    for (const line of this.#lines.values()) line.close()
  }

  async #line(who: SignedIn): Promise<FrameLine> {
    const line = this.#lines.get(who)
    if (line?.isOpen) return line
    const entered = await this.#enter(who)
    this.#lines.set(who, entered)
    return entered
  }

  async #enter(who: SignedIn): Promise<FrameLine> {
    const line = await this.#open()
    await line.ask('hello', { token: this.#world.tokenOf(who) })
    return line
  }

  async #open(): Promise<FrameLine> {
    const { path, problemOf } = this.#place
    const url = `${this.#world.server.url.replace('http', 'ws')}${path}`
    return await FrameLine.open(url, (frame, isSecond) => {
      const problem = isSecond ? 'is answered twice' : problemOf(frame)
      if (problem === undefined) return
      const where = `${path} ${String(frame.type)}`
      this.#findings.note(where, { outcome: 'odd frame', problem, example: () => JSON.stringify(frame) })
    })
  }

  #note(where: string, outcome: Outcome, said: () => string, type?: string): void {
    const problem = problemOfOutcome(outcome, type)
    this.#findings.note(`${this.#place.path} ${where}`, {
      outcome: nameOf(outcome),
      problem,
      example: () => `${said()} => ${JSON.stringify(outcome)}`
    })
  }
}

function problemOfOutcome(outcome: Outcome, type: string | undefined): string | undefined {
  if (outcome.kind === 'silence') return 'is not answered'
  if (outcome.kind === 'closed') return MAY_CLOSE.includes(outcome.code) ? undefined : `is closed with ${outcome.code}`
  if (codeOf(outcome.frame) === 'internal') return 'answers internal'
  if (type !== undefined && outcome.frame.type !== type) return `is answered as ${String(outcome.frame.type)}`
  return undefined
}

function nameOf(outcome: Outcome): string {
  if (outcome.kind === 'closed') return `closed ${outcome.code}`
  return outcome.kind === 'silence' ? 'silence' : (codeOf(outcome.frame) ?? 'granted')
}

function codeOf(frame: Frame & { readonly error?: { readonly code?: string } }): string | undefined {
  return frame.error?.code
}
