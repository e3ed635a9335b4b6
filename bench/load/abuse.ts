import { once, setMaxListeners } from 'node:events'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchUser } from '../users.ts'
import type { LightSocket } from './light-socket.ts'
import { ParleyWire } from './parley-wire.ts'
import type { SeededAbuse } from './seed-abuse.ts'
import type { Target } from './wire.ts'

/** Sockets of one person; the others that they may have are streams. */
const SOCKETS = 10
/** Bytes of an event stream that are read before it is opened again. */
const STREAM_BYTES = 300_000
/** Pause after a refusal that names none. */
const REFUSED_PAUSE_MS = 200

/** Kinds of abuse, by the finding that they are of; `nothing` shows what the measurement itself varies by. */
export type AbuseKind = 'nothing' | 'groups' | 'members' | 'pages' | 'resumption' | 'live' | 'lists' | 'reactions'

/** One person who does one thing as often as the limits let them, until the load's process is told to stop. */
export interface Abuse extends SeededAbuse {
  readonly target: Target
  readonly kind: AbuseKind
}

/** Number of things done and refused. */
export interface AbuseResult {
  readonly granted: number
  readonly refused: number
}

/** Answer to an act: whether it was granted, and else when to come again. */
interface Outcome {
  readonly isGranted: boolean
  readonly retryAfterMs?: number
}

type Act = (turn: number) => Promise<Outcome>

/** Does it. Who is told to wait waits, and comes again at once then. */
export async function abuse(params: Abuse): Promise<AbuseResult> {
  const person = await Person.connect(params.target, params.abuser)
  const acts = actsOf(params, person)
  const stopped = new AbortController()
  setMaxListeners(0, stopped.signal)
  void once(process, 'message').then(() => stopped.abort())
  const counts = { granted: 0, refused: 0 }
  let turns = 0
  const repeat = async (act: Act) => {
    while (!stopped.signal.aborted) {
      const failed: Outcome = { isGranted: false }
      const { isGranted, retryAfterMs = REFUSED_PAUSE_MS } = await act(turns++).catch(() => failed)
      counts[isGranted ? 'granted' : 'refused'] += 1
      if (!isGranted) await sleep(retryAfterMs, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }
  for (const act of acts) void repeat(act)
  await once(stopped.signal, 'abort')
  person.close()
  return counts
}

/** Everything that is done side by side. */
function actsOf({ kind, group, heavy, largeMessageId, victims }: Abuse, person: Person): Act[] {
  const ids = victims.map(({ id }) => `user_${id}`)
  const side = (count: number, act: Act) => Array.from({ length: count }, () => act)
  const make = async (memberIds: readonly string[]) =>
    await person.call('POST', '/v1/conversations', {
      type: 'group',
      name: 'Abuse',
      ...(memberIds.length > 0 && { memberIds })
    })
  switch (kind) {
    case 'nothing':
      return []
    case 'groups':
      return side(8, async () => await make(ids.slice(0, 100)))
    case 'members':
      return side(20, async turn => {
        const made = await make([])
        if (!made.isGranted) return made
        const conversationId = made.body?.['id']
        const added = await person.ask(turn, 'member:add', { conversationId, userIds: ids.slice(0, 250) })
        await person.call('DELETE', `/v1/conversations/${conversationId}?scope=everyone`)
        return added
      })
    case 'pages':
      return side(120, async turn => {
        if (turn % 2 === 0) return await person.ask(turn, 'sync:pull', { stream: heavy.id, since: 0 })
        return await person.ask(turn, 'history:get', { conversationId: heavy.id, limit: 100 })
      })
    case 'resumption':
      return side(10, async () => await person.resume())
    case 'live':
      return side(100, async turn => await person.ask(turn, ...liveCommand(turn, group.id)))
    case 'lists':
      return side(8, async turn => await person.call('GET', LISTS[turn % LISTS.length] ?? ''))
    case 'reactions':
      return side(20, async turn => {
        const type = turn % 40 < 20 ? 'reaction:add' : 'reaction:remove'
        const emoji = EMOJI[turn % EMOJI.length]
        return await person.ask(turn, type, { conversationId: group.id, messageId: largeMessageId, emoji })
      })
  }
}

const EMOJI = [
  '👍',
  '🎉',
  '🙂',
  '🚀',
  '🌍',
  '🍎',
  '🐶',
  '🐱',
  '🌞',
  '🌙',
  '⭐',
  '🔥',
  '💧',
  '🌲',
  '🍌',
  '🍒',
  '🎵',
  '🎲',
  '🏀',
  '🚗'
]
const LISTS = ['/api/v1/chat?limit=100', '/conversations?limit=100', '/v1/conversations?limit=100', '/groups?limit=100']

function liveCommand(turn: number, conversationId: string): [type: string, data: object] {
  const commands: [string, object][] = [
    ['typing:start', { conversationId }],
    ['typing:stop', { conversationId }],
    ['presence:set', { status: turn % 8 < 4 ? 'away' : 'online' }],
    ['receipt:read', { conversationId, seq: 1 }]
  ]
  return commands[turn % commands.length] ?? ['ping', {}]
}

/** The abuser with as many sockets as one person may have. */
class Person {
  readonly #target: Target
  readonly #user: BenchUser
  readonly #sockets: readonly LightSocket[]
  readonly #waiting = new Map<string, (outcome: Outcome) => void>()
  #asked = 0

  private constructor(target: Target, user: BenchUser, sockets: readonly LightSocket[]) {
    this.#target = target
    this.#user = user
    this.#sockets = sockets
    for (const socket of sockets) socket.onFrame = (bytes, start, end) => this.#read(bytes.toString('utf8', start, end))
  }

  static async connect(target: Target, user: BenchUser): Promise<Person> {
    const wire = new ParleyWire(target)
    return new Person(target, user, await Promise.all(Array.from({ length: SOCKETS }, () => wire.connect(user))))
  }

  /** Says a command on one of the sockets. */
  async ask(turn: number, type: string, data: object): Promise<Outcome> {
    const id = `a${++this.#asked}`
    return await new Promise(resolve => {
      this.#waiting.set(id, resolve)
      this.#sockets[turn % SOCKETS]?.send(JSON.stringify({ v: 1, id, type, data }))
    })
  }

  async call(method: string, path: string, body?: object): Promise<Outcome & { body?: Record<string, unknown> }> {
    const response = await fetch(this.#target.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#user.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' })
      },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    const text = await response.text()
    if (response.ok) return { isGranted: true, body: text === '' ? {} : JSON.parse(text) }
    const seconds = Number(response.headers.get('retry-after') ?? 0)
    return { isGranted: false, ...(seconds > 0 && { retryAfterMs: seconds * 1_000 }) }
  }

  /** Opens an event stream as who has been away for ever, and reads a part of it. */
  async resume(): Promise<Outcome> {
    const headers = { authorization: `Bearer ${this.#user.token}`, 'last-event-id': '0-0' }
    return await new Promise(resolve => {
      const asked = request(`${this.#target.url}/v1/events`, { headers, agent: false }, response => {
        let bytes = 0
        const end = () => {
          response.destroy()
          resolve({ isGranted: response.statusCode === 200 })
        }
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > STREAM_BYTES || chunk.includes('event: ready')) end()
        })
        response.on('end', end)
      })
      asked.on('error', () => resolve({ isGranted: false }))
      asked.end()
    })
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
  }

  #read(text: string): void {
    const id = /^\{"v":1,"id":"(a\d+)"/.exec(text)?.[1]
    const resolve = id === undefined ? undefined : this.#waiting.get(id)
    if (id === undefined || resolve === undefined) return
    this.#waiting.delete(id)
    if (text.includes('"ok":true')) return resolve({ isGranted: true })
    const { error } = JSON.parse(text) as { error: { retryAfterMs?: number } }
    resolve({ isGranted: false, ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }) })
  }
}
