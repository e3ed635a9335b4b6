import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import { MongoClient } from 'mongodb'
import type { Test } from 'tap'
import type { SignedIn } from '../protocol/entities/session.ts'
import { Bus } from '../src/bus/bus.ts'
import { type Config, readConfig } from '../src/config.ts'
import { AuthService } from '../src/services/auth.ts'
import { SessionService } from '../src/services/sessions.ts'
import { UserService } from '../src/services/users.ts'
import { openStore, type Store } from '../src/store/index.ts'
import { type Authenticator, authenticateRequests, createAuthenticator } from '../src/transport/auth.ts'
import { authRoutes } from '../src/transport/rest/auth.ts'
import { answerError, answerErrors } from '../src/transport/rest/errors.ts'
import { createRequestLimits } from '../src/transport/rest/rate-limits.ts'
import { userRoutes } from '../src/transport/rest/users.ts'
import { validateRequests } from '../src/transport/rest/validation.ts'

export const SECRET = 'Rk3vQ8xT1mZ7pL5wN2yB9cH4dG6sJ0aF'
export const PASSWORD = 'correct horse battery'

interface Answer {
  status: number
  headers: Record<string, unknown>
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects
  body: any
}

/** Accounts alone: the services and their REST face on a database of their own. */
export interface AccountsApp {
  readonly app: FastifyInstance
  readonly bus: Bus
  readonly store: Store
  readonly client: MongoClient
  readonly auth: AuthService
  readonly sessions: SessionService
  readonly users: UserService
  readonly authenticator: Authenticator
  call(method: InjectOptions['method'], url: string, options?: { token?: string; body?: unknown }): Promise<Answer>
  /** Registers somebody with a new username. */
  signUp(fields?: Record<string, unknown>): Promise<SignedIn>
}

/** A database of one's own, dropped when the test ends. */
export function ownDatabase(): string {
  const uri = new URL(process.env['TEST_MONGODB_URI'] ?? '')
  uri.pathname = `/test-accounts-${randomUUID()}`
  return uri.href
}

/** Builds it; closed, and the database dropped, when the test ends. */
export async function accountsApp(
  t: Test,
  env: Record<string, string> = {},
  uri = ownDatabase()
): Promise<AccountsApp> {
  const given = {
    NODE_ENV: 'test',
    JWT_SECRET: SECRET,
    LIMITS_REGISTRATIONS_PER_HOUR: '10000',
    LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: '100000',
    LIMITS_REQUESTS_PER_MINUTE: '100000',
    DEFAULT_REGION: 'DE'
  }
  const read = readConfig({ ...given, MONGODB_URI: uri, ...env })
  const config: Config & { JWT_SECRET: string[] } = { ...read, JWT_SECRET: read.JWT_SECRET ?? [] }
  const store = await openStore({ ...config, MONGODB_URI: uri })
  const client = new MongoClient(uri)
  const bus = new Bus()
  const users = new UserService({ store, bus, config })
  const sessions = new SessionService({ store, bus, config, users })
  const auth = new AuthService({ store, config, sessions, users })
  const app = Fastify({ frameworkErrors: answerError })
  const services = { auth, sessions, users }
  const authenticator = createAuthenticator(app, { config, services })
  answerErrors(app)
  validateRequests(app)
  authenticateRequests(app, authenticator, await createRequestLimits(app, config.limits))
  app.register(authRoutes, { prefix: '/v1', services, authenticator })
  app.register(userRoutes, { prefix: '/v1', services })
  await app.ready()
  t.teardown(async () => {
    await app.close()
    await client.db().dropDatabase()
    await client.close()
    await store.close()
  })
  const call = caller(app)
  const signUp = async (fields: Record<string, unknown> = {}) => {
    const username = `u${randomUUID().slice(0, 12)}`
    const { status, body } = await call('POST', '/v1/auth/register', {
      body: { username, password: PASSWORD, ...fields }
    })
    if (status !== 201) throw new Error(JSON.stringify(body))
    return body as SignedIn
  }
  return { app, bus, store, client, ...services, authenticator, call, signUp }
}

function caller(app: FastifyInstance): AccountsApp['call'] {
  return async (method, url, { token, body } = {}) => {
    const response = await app.inject({
      method,
      url,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { payload: body as object })
    } as InjectOptions)
    const text = response.body
    return {
      status: response.statusCode,
      headers: response.headers,
      text,
      body: text === '' ? undefined : JSON.parse(text)
    }
  }
}
