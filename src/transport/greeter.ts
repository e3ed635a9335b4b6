import type { Static } from '@sinclair/typebox'
import type { CloseReason } from '../../protocol/close.ts'
import type { Hello } from '../../protocol/events/session.ts'
import { FRAME_OUT_BYTES } from '../../protocol/limits.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { Gate } from '../limits/gate.ts'
import type { Actor, Services } from '../services/index.ts'
import type { Authenticator } from './auth.ts'
import type { Connection } from './connection.ts'
import type { Hub } from './hub.ts'

/** Clients that are let in at once; the others wait, so that a herd does not stop those who are in. */
const GREETED_AT_ONCE = 4
const MAX_WAITING = 20_000

export type HelloData = Static<typeof Hello.data>
export type Welcome = Static<typeof Hello.reply>

interface GreeterParts {
  authenticator: Authenticator
  hub: Hub
  services: Services
  config: Pick<Config, 'limits' | 'timings'>
  epoch: string
}

/** Lets clients in: authenticates them, enters them with the hub, and tells them what moved since they were here. */
export class Greeter {
  readonly #parts: GreeterParts
  readonly #gate = new Gate(GREETED_AT_ONCE, MAX_WAITING)
  /** Admitted at the upgrade, and not greeted yet. */
  readonly #silent = new WeakSet<Connection>()

  constructor(parts: GreeterParts) {
    this.#parts = parts
  }

  /** Authenticates by the token or ticket of `hello`. @throws {AppError} that says why the client is not let in */
  async greet(connection: Connection, hello: HelloData): Promise<Welcome> {
    return await this.#gate.run(async () => {
      const actor = await this.#authenticate(hello)
      await this.#enter(connection, actor)
      return await this.#welcome(connection, actor, hello)
    })
  }

  /** Lets in who was authenticated at the upgrade. */
  async admit(connection: Connection, actor: Actor): Promise<void> {
    await this.#gate.run(async () => await this.#enter(connection, actor))
    this.#silent.add(connection)
  }

  mayGreetAgain(connection: Connection): boolean {
    return this.#silent.delete(connection)
  }

  /** What an admitted client is told when it says hello after all. */
  async welcome(connection: Connection, hello: HelloData): Promise<Welcome> {
    const { actor } = connection
    if (actor === undefined) throw new AppError('unauthenticated', 'Say hello first')
    return await this.#gate.run(async () => await this.#welcome(connection, actor, hello))
  }

  async #authenticate({ token, ticket }: HelloData): Promise<Actor> {
    const { authenticator, services } = this.#parts
    if (token !== undefined) return await authenticator.authenticate(token)
    if (ticket !== undefined) return await services.sessions.redeemTicket(ticket)
    throw new AppError('unauthenticated', 'Give a token or a ticket')
  }

  async #enter(connection: Connection, actor: Actor): Promise<void> {
    const { hub, config, services } = this.#parts
    const { connectionsPerUser } = config.limits
    if (!connection.isOpen) throw new AppError('unauthenticated', 'The connection was closed meanwhile')
    if (hub.countOf(actor.userId) >= connectionsPerUser) {
      throw new AppError('quota_reached', `At most ${connectionsPerUser} connections at once`)
    }
    connection.actor = actor
    const entering = hub.enter(connection, actor.userId)
    // After it is known here, so that who may not see it is not told.
    services.presence.set(actor.userId, connection.id, 'online')
    await entering
    await hub.follow(connection)
    // From here on its end closes the connection; before, it may have been missed.
    if (actor.sessionId !== undefined)
      await services.sessions.requireLiveSession({ ...actor, sessionId: actor.sessionId })
  }

  async #welcome(connection: Connection, actor: Actor, { cursors = {}, epoch }: HelloData): Promise<Welcome> {
    const { services, config } = this.#parts
    // Cursors of another epoch mean nothing any more.
    const known = epoch === undefined || epoch === this.#parts.epoch ? cursors : {}
    const [user, heads] = await Promise.all([services.users.me(actor), services.sync.heads(actor, known)])
    const gone = known === cursors ? heads.gone : Object.keys(cursors)
    return {
      user,
      connectionId: connection.id,
      epoch: this.#parts.epoch,
      heartbeatMs: config.timings.heartbeatMs,
      serverTime: new Date().toISOString(),
      limits: { ...config.limits, frameOutBytes: FRAME_OUT_BYTES },
      ...heads,
      gone
    }
  }
}

/** Why a client that is not let in is sent away. */
export function reasonOf(error: unknown): CloseReason {
  if (!(error instanceof AppError)) return 'internal'
  const reasons = {
    unauthenticated: 'auth_invalid',
    token_expired: 'auth_expired',
    session_revoked: 'session_revoked',
    account_disabled: 'account_disabled',
    quota_reached: 'too_many_connections',
    draining: 'drain',
    busy: 'overloaded',
    invalid: 'bad_frame'
  } as const
  return error.code in reasons ? reasons[error.code as keyof typeof reasons] : 'internal'
}
