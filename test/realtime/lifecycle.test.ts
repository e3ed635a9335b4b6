import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { queryObjects } from 'node:v8'
import t, { type Test } from 'tap'
import { SocketIoConnection } from '../../src/faces/socketio/connection.ts'
import { StreamConnection } from '../../src/faces/sse/connection.ts'
import { SocketConnection } from '../../src/faces/ws/connection.ts'
import { extent } from '../kit/extent.ts'
import { frame, frameAt } from '../kit/frames.ts'
import { type Person, startServer, type TestServer } from '../kit/helper.ts'

/** Cuts at each step. */
const TIMES = extent(60, 1_000)
/** Connections that are opened at once, each by a person of its own. */
const LANES = 20
/** A cut comes up to so many turns of the event loop after its step, so that it also falls between two steps. */
const MAX_TURNS = 12
/** Objects and timers of others that may come and go meanwhile; what leaks does so at every cut. */
const OTHERS = 40
/** How often the server is looked at before what is left counts as a leak. */
const LOOKS = 1_000
/** How often its memory is, which stops the process for tenths of a second. */
const MEMORY_LOOKS = 20
const METRICS_TOKEN = 'a token for the metrics of tests'
const UPGRADE = [
  'host: 127.0.0.1',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='
].join('\r\n')

interface Opened {
  cut(): void
}

/** Opens a connection up to a step. */
type Open = (server: TestServer, person: Person) => Promise<Opened>

const SOCKET: Readonly<Record<string, Open>> = {
  'an upgrade that nobody has answered': async (server, person) =>
    await RawSocket.send(server, `/ws?dialect=unified&token=${person.token}`),
  'a socket that has said nothing': async server => await RawSocket.open(server, '/ws'),
  'a hello that nobody has answered': sayHello,
  'a hello whose answer has come': async (server, person) => {
    const socket = await sayHello(server, person)
    await socket.heard('{')
    return socket
  },
  'a subscription that nobody has answered': async (server, person) => {
    const socket = await sayHello(server, person)
    await socket.heard('{')
    socket.say(JSON.stringify({ v: 1, id: 's', type: 'presence:subscribe', data: { userIds: [person.id] } }))
    return socket
  }
}

const PACKETS_PATH = '/socket.io/?EIO=4&transport=websocket'
const PACKETS: Readonly<Record<string, Open>> = {
  'an upgrade that nobody has answered': async server => await RawSocket.send(server, PACKETS_PATH),
  'a transport in no namespace': async server => await openTransport(server),
  'a namespace that is not entered yet': enter,
  'a namespace that is left while it is entered': async (server, person) => {
    const socket = await enter(server, person)
    for (let turns = MAX_TURNS; turns > 0 && Math.random() < 0.8; turns--) await turn()
    socket.say('41')
    return socket
  },
  'a namespace that is entered': async (server, person) => {
    const socket = await enter(server, person)
    await socket.heard('40')
    return socket
  }
}

const STREAM: Readonly<Record<string, Open>> = {
  'a request that nobody has answered': async (server, person) => {
    const asked = askForStream(server, person)
    await once(asked, 'socket')
    return { cut: () => asked.destroy() }
  },
  'a stream whose head has come': async (server, person) => {
    const asked = askForStream(server, person)
    await once(asked, 'response')
    return { cut: () => asked.destroy() }
  },
  'a stream that is live': async (server, person) => {
    const asked = askForStream(server, person)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    for await (const chunk of response.setEncoding('utf8')) if (String(chunk).includes('event: ready')) break
    return { cut: () => asked.destroy() }
  }
}

const FACES = {
  socket: { steps: SOCKET, kind: SocketConnection },
  'socket.io': { steps: PACKETS, kind: SocketIoConnection },
  'event stream': { steps: STREAM, kind: StreamConnection }
}

for (const [face, { steps, kind }] of Object.entries(FACES)) {
  t.test(`S24: nothing stays of a ${face}, at whatever step it is cut`, async t => {
    const { server, people } = await openServer(t)
    // Once, so that what is loaded and kept for everybody is there.
    for (const open of Object.values(steps)) await cutEach(server, people, open, LANES)
    await untilGone(server, people)
    const timers = countTimers()
    for (const [step, open] of Object.entries(steps)) {
      await cutEach(server, people, open, TIMES)
      const nothing = { connections: 0, online: 0, presences: ['offline'] }
      t.same(await untilGone(server, people), nothing, `${step}: nobody is registered or online`)
    }
    const after = await untilAtMost(kind, timers + OTHERS)
    t.ok(after.connections <= OTHERS, `${after.connections} connections in memory`)
    t.ok(after.timers <= timers + OTHERS, `${after.timers} timers`)
  })
}

async function openServer(t: Test): Promise<{ server: TestServer; people: Person[] }> {
  const server = await startServer(t, {
    env: { METRICS_TOKEN, DIALECTS: 'unified', TIMINGS_CLOSE_TIMEOUT_MS: '100', TIMINGS_HELLO_TIMEOUT_MS: '60000' }
  })
  return { server, people: await server.people(LANES) }
}

/** Opens and cuts so many, some at once. */
async function cutEach(server: TestServer, people: readonly Person[], open: Open, times: number): Promise<void> {
  await Promise.all(
    people.map(async person => {
      for (let left = times / people.length; left > 0; left--) {
        const opened = await open(server, person)
        for (let turns = Math.floor(Math.random() * MAX_TURNS); turns > 0; turns--) await turn()
        opened.cut()
      }
    })
  )
}

/** The connections, people and presences that the server tells of. */
interface Told {
  readonly connections: number
  readonly online: number
  readonly presences: readonly string[]
}

/** Waits until nothing is left, which the server may need a moment for; what never goes is answered as it is. */
async function untilGone(server: TestServer, people: readonly Person[]): Promise<Told> {
  for (let look = 0; ; look++) {
    const told = await ask(server, people)
    const isGone = told.connections === 0 && told.online === 0 && !told.presences.includes('online')
    if (isGone || look === LOOKS) return told
    await sleep(20)
  }
}

async function ask(server: TestServer, people: readonly Person[]): Promise<Told> {
  const { text } = await server.call({ token: METRICS_TOKEN }, 'GET', '/metrics')
  const ids = people.map(({ id }) => id).join(',')
  const { body } = await server.call(people[0], 'GET', `/v1/presence?ids=${ids}`)
  return {
    connections: gauge(text, 'parley_connections'),
    online: gauge(text, 'parley_users_online'),
    presences: [...new Set<string>(body.presence.map(({ status }: { status: string }) => status))]
  }
}

function gauge(metrics: string, name: string): number {
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, 'm').exec(metrics)?.[1])
}

interface Remains {
  readonly connections: number
  readonly timers: number
}

/** Collects garbage, and counts what is left. */
function remains(kind: (typeof FACES)[keyof typeof FACES]['kind']): Remains {
  return { connections: Number(queryObjects(kind, { format: 'count' })), timers: countTimers() }
}

function countTimers(): number {
  return process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
}

/** Sockets that were cut close a moment later; what never ends is answered as it is. */
async function untilAtMost(kind: Parameters<typeof remains>[0], timers: number): Promise<Remains> {
  for (let look = 0; look < LOOKS && countTimers() > timers; look++) await sleep(20)
  for (let look = 0; ; look++) {
    const now = remains(kind)
    if (now.connections <= OTHERS || look === MEMORY_LOOKS) return now
    await sleep(500)
  }
}

/**
 * A socket without a library, because thousands are opened: it sends text frames, and keeps those that it has heard.
 */
class RawSocket implements Opened {
  readonly #socket: Socket
  #bytes = Buffer.alloc(0)
  #isUpgraded = false
  readonly #frames: string[] = []
  #wake: () => void = () => undefined

  private constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => this.#wake())
    this.#socket.on('data', bytes => this.#read(bytes))
  }

  /** Resolves once it has sent its upgrade. */
  static async send(server: TestServer, path: string): Promise<RawSocket> {
    const socket = new RawSocket(Number(new URL(server.url).port))
    await once(socket.#socket, 'connect')
    socket.#socket.write(`GET ${path} HTTP/1.1\r\n${UPGRADE}\r\n\r\n`)
    return socket
  }

  /** Resolves once its upgrade is answered. */
  static async open(server: TestServer, path: string): Promise<RawSocket> {
    const socket = await RawSocket.send(server, path)
    await socket.#until(() => socket.#isUpgraded)
    return socket
  }

  say(text: string): void {
    this.#socket.write(frame(0x81, text))
  }

  /** Resolves once a frame that begins so has come. @throws when the socket is closed before */
  async heard(prefix: string): Promise<void> {
    await this.#until(() => this.#frames.some(frame => frame.startsWith(prefix)))
  }

  cut(): void {
    this.#socket.destroy()
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#socket.closed) throw new Error(`Closed before what was expected; heard ${this.#frames.join(' ')}`)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  #read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    if (!this.#isUpgraded) this.#readHead()
    if (this.#isUpgraded) this.#readFrames()
    this.#wake()
  }

  #readHead(): void {
    const end = this.#bytes.indexOf('\r\n\r\n')
    if (end < 0) return
    this.#isUpgraded = this.#bytes.subarray(0, end).includes(' 101 ')
    this.#bytes = this.#bytes.subarray(end + 4)
  }

  #readFrames(): void {
    let end = 0
    for (let found = frameAt(this.#bytes, 0); found !== undefined; found = frameAt(this.#bytes, end)) {
      this.#frames.push(this.#bytes.toString('utf8', found.start, found.end))
      end = found.end
    }
    this.#bytes = this.#bytes.subarray(end)
  }
}

/** A socket that has said hello. */
async function sayHello(server: TestServer, { token }: Person): Promise<RawSocket> {
  const socket = await RawSocket.open(server, '/ws')
  socket.say(JSON.stringify({ v: 1, id: 'h', type: 'hello', data: { token } }))
  return socket
}

/** A transport of socket.io that has asked to enter its namespace. */
async function enter(server: TestServer, { token }: Person): Promise<RawSocket> {
  const socket = await openTransport(server)
  socket.say(`40${JSON.stringify({ token })}`)
  return socket
}

async function openTransport(server: TestServer): Promise<RawSocket> {
  const socket = await RawSocket.open(server, PACKETS_PATH)
  await socket.heard('0')
  return socket
}

function askForStream(server: TestServer, { token }: Person): ClientRequest {
  const headers = { authorization: `Bearer ${token}` }
  const asked = request(`${server.url}/v1/events`, { headers, agent: false })
  asked.on('error', () => undefined)
  return asked.end()
}
