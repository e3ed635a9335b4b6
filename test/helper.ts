import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { SignJWT } from 'jose'
import { MongoClient, ObjectId } from 'mongodb'
import type { Test } from 'tap'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { SocketClient } from './socket-client.ts'

export const SECRET = 'a-secret-for-tests-that-is-long-enough'

/** A person as a test sees them: their id, their token, and what they can do with it. */
export interface Person {
  /** 24 hexadecimal digits. */
  readonly hex: string
  /** `user_<24 hex>` */
  readonly id: string
  readonly token: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any
}

/** The environment of a server under test: its own database, no port, and limits that do not get in the way. */
export function testEnv(uri: string, env: Record<string, string> = {}): Record<string, string> {
  return {
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'silent',
    MONGODB_URI: uri,
    JWT_SECRET: SECRET,
    AUTH_AUTOPROVISION: 'true',
    LIMITS_SENDS_PER_SECOND: '100000',
    LIMITS_SENDS_BURST: '100000',
    LIMITS_COMMANDS_PER_SECOND: '100000',
    LIMITS_COMMANDS_BURST: '100000',
    LIMITS_REQUESTS_PER_MINUTE: '1000000',
    LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: '1000000',
    ...env
  }
}

/** The address of a database that no other test file uses; it is dropped at the end. */
export function ownDatabase(t: Test): string {
  const base = process.env['TEST_MONGODB_URI']
  if (base === undefined) throw new Error('Run tests with npm test: TEST_MONGODB_URI is not set')
  const url = new URL(base)
  url.pathname = `/test_${randomBytes(8).toString('hex')}`
  t.teardown(async () => {
    const client = new MongoClient(url.href)
    await client.db().dropDatabase()
    await client.close()
  })
  return url.href
}

/** A token of an existing user system; its person is provisioned at first sight. */
export async function mintToken(hex: string, claims: Record<string, unknown> = {}): Promise<string> {
  const expiresAt = Math.floor(Date.now() / 1_000) + 3_600
  return await new SignJWT({ sub: hex, name: `Person ${hex.slice(-4)}`, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime(expiresAt)
    .sign(new TextEncoder().encode(SECRET))
}

/** One server with its clients. */
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
    await this.call(person, 'GET', '/v1/auth/me')
    return person
  }

  async people(count: number): Promise<Person[]> {
    return await Promise.all(Array.from({ length: count }, async () => await this.person()))
  }

  /** A REST call by somebody, or by nobody. */
  async call(who: Person | undefined, method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(who === undefined ? {} : { authorization: `Bearer ${who.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : parse(text) }
  }

  /** A socket that has not said anything. */
  async socket(path = '/ws', headers: Record<string, string> = {}): Promise<SocketClient> {
    const socket = await SocketClient.open(`${this.url.replace('http', 'ws')}${path}`, headers)
    this.#sockets.add(socket)
    return socket
  }

  /** A socket of somebody, greeted and live. */
  async connect(who: Person, cursors: Record<string, number> = {}): Promise<SocketClient> {
    const socket = await this.socket()
    await socket.ask('hello', { token: who.token, cursors })
    return socket
  }

  /** The direct conversation of two people. @returns its id */
  async direct(a: Person, b: Person): Promise<string> {
    return (await this.call(a, 'POST', '/v1/conversations', { type: 'direct', userId: b.id })).body.id
  }

  /** A group; the first is its owner. @returns its id */
  async group(...[owner, ...others]: [Person, ...Person[]]): Promise<string> {
    const memberIds = others.map(({ id }) => id)
    const body = { type: 'group', name: 'Group', ...(memberIds.length > 0 ? { memberIds } : {}) }
    return (await this.call(owner, 'POST', '/v1/conversations', body)).body.id
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate()
    await this.app.close()
  }
}

/** Starts a server on a database of its own, or on the one given. It ends with the test. */
export async function startServer(
  t: Test,
  { uri = ownDatabase(t), env = {} as Record<string, string> } = {}
): Promise<TestServer> {
  const config = readConfig(testEnv(uri, env))
  const app = await buildApp({ ...config, MONGODB_URI: uri, JWT_SECRET: config.JWT_SECRET ?? [SECRET] })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const server = new TestServer(app, uri)
  t.teardown(async () => await server.close())
  return server
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
