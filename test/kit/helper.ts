import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { SignJWT } from 'jose'
import { MongoClient, ObjectId } from 'mongodb'
import tap, { type Test } from 'tap'
import type { SignedIn } from '../../protocol/accounts/entities.ts'
import { createDelivery } from '../../src/accounts/delivery/index.ts'
import { type AppConfig, buildApp, createSubjects, openStores, type Stores, type Subjects } from '../../src/app.ts'
import type { Bus } from '../../src/bus/bus.ts'
import { MemoryBus } from '../../src/bus/memory.ts'
import { readConfig } from '../../src/config/config.ts'
import { createJobs } from '../../src/jobs/index.ts'
import { requireContract } from './contract.ts'
import { giveBackDatabase, takeDatabase } from './databases.ts'
import { requireDialect } from './dialect-contract.ts'
import { type Answered, ask } from './http.ts'
import { SocketClient } from './socket-client.ts'

export const SECRET = 'a-secret-for-tests-that-is-long-enough'
/** Of everybody who registers without naming another. */
export const PASSWORD = 'correct horse battery'

/** For servers that work on one database: each sees soon what others do. */
export const TOGETHER = { env: { TIMINGS_HEAD_POLL_MS: '200' } }

/** A person as a test sees them: their id, their token, and what they can do with it. */
export interface Person {
  /** 24 hexadecimal digits. */
  readonly hex: string
  /** `user_<24 hex>` */
  readonly id: string
  readonly token: string
}

export interface Answer extends Answered {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any
}

/** The environment of a server under test: no port, phone numbers of Germany, and limits that do not get in the way. */
export function testEnv(uri: string, env: Record<string, string> = {}): Record<string, string> {
  return {
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'silent',
    MONGODB_URI: uri,
    DATA_DIR: join(tmpdir(), 'parley-tests'),
    JWT_SECRET: SECRET,
    AUTH_AUTOPROVISION: 'true',
    DEFAULT_REGION: 'DE',
    LIMITS_REGISTRATIONS_BURST: '100000',
    LIMITS_CODES_PER_ADDRESS_BURST: '100000',
    LIMITS_CODES_PER_PREFIX_PER_DAY: '100000',
    LIMITS_GROUPS_PER_DAY: '100000',
    LIMITS_STRANGERS_ADDED_PER_DAY: '1000000',
    LIMITS_CHATS_BEGUN_PER_DAY: '100000',
    LIMITS_EXPORTS_PER_DAY: '100000',
    LIMITS_SENDS_PER_SECOND: '100000',
    LIMITS_SENDS_BURST: '100000',
    LIMITS_COMMANDS_PER_SECOND: '100000',
    LIMITS_COMMANDS_BURST: '100000',
    LIMITS_CONNECTS_PER_MINUTE: '1000000',
    LIMITS_HANDSHAKES_PER_ADDRESS_PER_MINUTE: '1000000',
    LIMITS_STRANGERS_PER_ADDRESS: '100000',
    LIMITS_STRANGERS: '100000',
    LIMITS_JOINS_PER_TEN_SECONDS: '100000',
    LIMITS_REQUESTS_PER_MINUTE: '1000000',
    LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: '1000000',
    TIMINGS_LIVE_PAUSE_MS: '1',
    TIMINGS_HELD_REFUSAL_MS: '1',
    TIMINGS_SWEEP_MS: '100',
    TIMINGS_RECEIPT_PAUSE_MS: '20',
    TIMINGS_GAP_PATIENCE_MS: '25',
    TIMINGS_QR_POLL_MS: '50',
    // What is written in the background would count as written by what is tried.
    TIMINGS_INDEX_MS: '3600000',
    // Most are alone on their database: nobody else commits there.
    TIMINGS_HEAD_POLL_MS: '5000',
    ...env
  }
}

/** The address of an empty database that nobody else uses; it is emptied at the end, and used again. */
export function ownDatabase(t: Test): string {
  const name = takeDatabase()
  t.teardown(() => giveBackDatabase(name))
  return addressOf(name)
}

/** The same without any collection; it is dropped at the end, and may be changed in any way. */
export function newDatabase(t: Test): string {
  const uri = addressOf(`test_${randomBytes(8).toString('hex')}`)
  t.teardown(async () => {
    const client = new MongoClient(uri)
    await client.db().dropDatabase()
    await client.close()
  })
  return uri
}

function addressOf(database: string): string {
  const base = process.env['TEST_MONGODB_URI']
  if (base === undefined) throw new Error('Run tests with npm test: TEST_MONGODB_URI is not set')
  const url = new URL(base)
  url.pathname = `/${database}`
  return url.href
}

/** A token of an existing user system that lives an hour or so many seconds; its person is provisioned at first sight. */
export async function mintToken(hex: string, claims: Record<string, unknown> = {}, lifeS = 3_600): Promise<string> {
  const expiresAt = Math.floor(Date.now() / 1_000) + lifeS
  return await new SignJWT({ sub: hex, name: `Person ${hex.slice(-4)}`, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime(expiresAt)
    .sign(new TextEncoder().encode(SECRET))
}

/** Fields of a new account. */
interface SignUp {
  readonly username?: string
  readonly phone?: string
  readonly email?: string
  readonly [field: string]: unknown
}

/** Server with its clients. */
export class TestServer {
  readonly app: FastifyInstance
  readonly url: string
  readonly uri: string
  readonly #sockets = new Set<SocketClient>()

  constructor(app: FastifyInstance, uri: string) {
    this.app = app
    this.uri = uri
    this.url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  }

  /** A new person whom the server has seen. */
  async person(): Promise<Person> {
    const hex = new ObjectId().toHexString()
    const person = { hex, id: `user_${hex}`, token: await mintToken(hex) }
    await this.call(person, 'PUT', '/v1/presence', { status: 'online' })
    return person
  }

  /** Registers somebody, under a new username unless the fields say otherwise, and proves their phone and email. */
  async signUp({ phone, email, ...fields }: SignUp = {}): Promise<SignedIn> {
    const account = { username: `u${randomBytes(6).toString('hex')}`, password: PASSWORD, ...fields }
    const [first, second] = [phone && { phone }, email && { email }].filter(it => typeof it === 'object')
    const signedIn = first === undefined ? await this.#register(account) : await this.#registerByCode(account, first)
    return second === undefined ? signedIn : { ...signedIn, user: await this.prove(signedIn, second) }
  }

  async #register(account: object): Promise<SignedIn> {
    const { status, text, body } = await this.call(undefined, 'POST', '/v1/auth/register', account)
    if (status !== 201) throw new Error(text)
    return body
  }

  async #registerByCode(account: object, address: object): Promise<SignedIn> {
    const purpose = 'register'
    const sent = await this.call(undefined, 'POST', '/v1/auth/otp', { purpose, ...address })
    const claim = { ...account, ...address, purpose, code: sent.body.devCode }
    const { status, text, body } = await this.call(undefined, 'POST', '/v1/auth/otp/verify', claim)
    if (status !== 200) throw new Error(`${sent.text} ${text}`)
    return body
  }

  /** Proves that an address is somebody's. @returns who they are then */
  async prove({ accessToken: token }: Pick<SignedIn, 'accessToken'>, address: object): Promise<SignedIn['user']> {
    const sent = await this.call({ token }, 'POST', '/v1/users/me/addresses', address)
    const claim = { ...address, code: sent.body.devCode }
    const { status, text, body } = await this.call({ token }, 'POST', '/v1/users/me/addresses/verify', claim)
    if (status !== 200) throw new Error(`${sent.text} ${text}`)
    return body
  }

  async people(count: number): Promise<Person[]> {
    return await Promise.all(Array.from({ length: count }, async () => await this.person()))
  }

  /** A REST call by somebody, or by nobody. */
  async call(
    who: Pick<Person, 'token'> | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers = {}
  ): Promise<Answer> {
    const answered = await ask(`${this.url}${path}`, {
      method,
      headers: {
        ...(who === undefined ? {} : { authorization: `Bearer ${who.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    })
    const answer = { ...answered, body: answered.text === '' ? undefined : parse(answered.text) }
    if (answered.headers.get('content-type')?.startsWith('application/json')) {
      requireContract(method, path, answer)
      await requireDialect(this.app, method, path, answer)
    }
    return answer
  }

  /** A socket that has not said anything. */
  async socket(path = '/ws', headers: Record<string, string> = {}): Promise<SocketClient> {
    const socket = await SocketClient.open(`${this.url.replace('http', 'ws')}${path}`, headers)
    this.#sockets.add(socket)
    return socket
  }

  /** A socket of somebody, greeted and live. */
  async connect(who: Pick<Person, 'token'>, cursors: Record<string, number> = {}): Promise<SocketClient> {
    const socket = await this.socket()
    await socket.ask('hello', { token: who.token, cursors })
    return socket
  }

  /** The direct conversation of two people. @returns its id */
  async direct(a: Person, b: Person): Promise<string> {
    return await this.#create(a, { type: 'direct', userId: b.id })
  }

  /** A group; the first is its owner. @returns its id */
  async group(...[owner, ...others]: [Person, ...Person[]]): Promise<string> {
    const memberIds = others.map(({ id }) => id)
    return await this.#create(owner, { type: 'group', name: 'Group', ...(memberIds.length > 0 ? { memberIds } : {}) })
  }

  async #create(who: Person, conversation: object): Promise<string> {
    const { body, text } = await this.call(who, 'POST', '/v1/conversations', conversation)
    if (body?.id === undefined) throw new Error(`No conversation was made: ${text}`)
    return body.id
  }

  /** Cuts the clients’ sockets. */
  leave(): void {
    for (const socket of this.#sockets) socket.terminate()
  }

  async close(): Promise<void> {
    this.leave()
    await this.app.close()
  }
}

/** Place where something is started, and variables besides those of `testEnv`. */
interface Place {
  /** Of a database that exists already; otherwise it gets one of its own. */
  uri?: string
  env?: Record<string, string>
}

/** Listener for failures in the background; without one they fail the test. */
interface Listener {
  onError?: (error: unknown) => void
}

/** Starts a server; it ends with the test. */
export async function startServer(t: Test, { uri = ownDatabase(t), env = {} }: Place = {}): Promise<TestServer> {
  const app = await buildApp(testConfig(uri, env))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const server = new TestServer(app, uri)
  t.teardown(async () => await server.close())
  return server
}

/** By the test that stands for a file. */
const shared = new WeakMap<Test, Promise<TestServer>>()

/** The server that tests of a file share, with clients of the test's own; it ends with the file. */
export async function joinServer(t: Test): Promise<TestServer> {
  const starting = shared.get(tap) ?? startServer(tap)
  shared.set(tap, starting)
  const { app, uri } = await starting
  const server = new TestServer(app, uri)
  t.teardown(() => server.leave())
  return server
}

/** Makes the subjects with their stores and their bus, and no face; they end with the test. */
export async function openServices(
  t: Test,
  { uri = ownDatabase(t), env = {}, onError = error => t.fail(String(error)) }: Place & Listener = {}
): Promise<Subjects & { uri: string; config: AppConfig; store: Stores; bus: Bus }> {
  const config = testConfig(uri, env)
  const store = await openStores(config)
  t.teardown(async () => await store.close())
  const bus = new MemoryBus()
  const delivery = await createDelivery(config, { info: () => undefined, warn: () => undefined })
  const jobs = createJobs({ ...store, onError })
  const subjects = createSubjects({ stores: store, bus, config, delivery, jobs, onError })
  return { ...subjects, uri, config, store, bus }
}

function testConfig(uri: string, env: Record<string, string>): AppConfig {
  const config = readConfig(testEnv(uri, env))
  return { ...config, MONGODB_URI: uri, JWT_SECRET: config.JWT_SECRET ?? [SECRET] }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
