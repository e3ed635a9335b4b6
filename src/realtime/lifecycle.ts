import { hash } from 'node:crypto'
import type { CloseReason } from '../../protocol/close.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { Actor } from '../actor.ts'
import type { Availability } from '../database/availability.ts'
import { AppError } from '../errors.ts'
import { FairGate } from '../limits/fair-gate.ts'
import { rateOf, TokenBuckets } from '../limits/token-buckets.ts'
import type { Standing } from '../streams/positions.ts'
import type { Framing } from './close-counts.ts'
import type { Connection, ConnectionCounts } from './connection.ts'
import { type Credential, wasOnceGood } from './credential.ts'
import type { Hub } from './hub.ts'
import type { PresencePort, SessionPort, TicketPort } from './ports.ts'
import type { Strangers } from './strangers.ts'

/**
 * Clients that register at once, of all and of each person; the others wait, so that neither a herd nor somebody with
 * many connections stops those who are in.
 */
const REGISTERED = { width: 4, widthEach: 1, maxWaiting: 20_000 }
const MINUTE_MS = 60_000
/** Part of the connections of a minute that a person may open at once. */
const CONNECTS_AT_ONCE = 1 / 5

interface LifecycleDeps {
  readonly authenticate: (token: string) => Promise<Actor>
  readonly sessions: Pick<SessionPort, 'requireLiveSession'>
  readonly tickets: Pick<TicketPort, 'redeem' | 'redeemForStream'>
  readonly presence: Pick<PresencePort, 'set' | 'remove'>
  readonly hub: Hub
  readonly availability: Pick<Availability, 'require'>
  readonly strangers: Strangers
  readonly limits: Limits
  readonly counts: Pick<ConnectionCounts, 'closes'>
  readonly onError: (error: unknown) => void
}

/** The steps of a connection between being opened and being live. */
interface Start {
  /** Proves who the client is. */
  readonly authenticate: () => Promise<Actor>
  /**
   * Runs once the connection is registered, among the few that register at once: the reply to `hello`, from where
   * everything stood then, as far as that had to be read.
   */
  readonly reply?: (standing: Standing | undefined) => Promise<void>
  /** Sends the client what it has missed. */
  readonly catchUp: (actor: Actor) => Promise<void>
}

/**
 * The one lifecycle of a connection, whatever its face: open, authenticate (credential, quota), register (with the
 * hub and as present), catch up, go live, leave. A face calls `open` when there is a connection, and `leave` when it
 * is gone, at whatever step: from then on nothing of it stays.
 */
export class Lifecycle {
  readonly #deps: LifecycleDeps
  readonly #open = new Set<Connection>()
  readonly #gate: FairGate
  readonly #connects: TokenBuckets

  constructor(deps: LifecycleDeps) {
    this.#deps = deps
    this.#gate = new FairGate({ ...REGISTERED, requireReady: async () => await deps.availability.require() })
    const { connectsPerMinute } = deps.limits
    const atOnce = Math.ceil(connectsPerMinute * CONNECTS_AT_ONCE)
    this.#connects = new TokenBuckets(rateOf(connectsPerMinute, MINUTE_MS, atOnce))
  }

  /** Connections that are open, authenticated or not. */
  get count(): number {
    return this.#open.size
  }

  /** Connections that are open, by framing. */
  countsByFraming(): Map<Framing, number> {
    const counts = new Map<Framing, number>([
      ['frames', 0],
      ['socket.io', 0],
      ['stream', 0]
    ])
    for (const { framing } of this.#open) counts.set(framing, (counts.get(framing) ?? 0) + 1)
    return counts
  }

  /**
   * Proves who a client is.
   * @param stranger connection that was counted by its network until now
   * @throws {AppError} `unauthenticated` and its like, `quota_reached`, `rate_limited`
   */
  async authenticate(credential: Credential, stranger: object = {}): Promise<Actor> {
    const { strangers } = this.#deps
    strangers.hear(stranger)
    try {
      const actor = await this.#identify(credential)
      this.#count(actor.userId, stranger)
      this.#requireQuota(actor)
      return actor
    } catch (error) {
      if (wasOnceGood(error))
        this.#count(hash('sha256', credential.token ?? credential.ticket ?? '', 'base64url'), stranger)
      throw error
    } finally {
      strangers.hear(stranger, false)
    }
  }

  /** A connection is there. @param address from which it comes, when nobody has said yet who they are */
  open(connection: Connection, address?: string): void {
    this.#open.add(connection)
    if (address === undefined) return
    this.#deps.strangers.enter(connection, address, () => connection.close('overloaded'))
  }

  /** Brings an open connection to life. @throws {AppError} that says why the client is not let in; nothing is undone before `leave` */
  async start(connection: Connection, { authenticate, reply, catchUp }: Start): Promise<void> {
    this.#requireOpen(connection)
    // Before it is anybody's turn: who cannot say who they are keeps nobody waiting.
    const actor = await authenticate()
    await this.#gate.run({ party: actor.userId }, async () => {
      const standing = await this.#register(connection, actor)
      await reply?.(standing)
    })
    await catchUp(actor)
    if (this.#open.has(connection)) connection.goLive()
  }

  /** The same person goes on with another token. @throws {AppError} `unauthenticated` and its like, `forbidden` */
  async renew(connection: Connection, token: string): Promise<Actor> {
    const renewed = await this.#deps.authenticate(token)
    if (renewed.userId !== connection.actor?.userId) throw new AppError('forbidden', 'The token is somebody else’s')
    this.#deps.hub.renew(connection, renewed)
    return renewed
  }

  /**
   * The connection is gone; also before it is registered, and while it registers.
   * @param code with which its client ended it, in a framing that has codes
   */
  leave(connection: Connection, code?: number): void {
    if (!this.#open.delete(connection)) return
    const { hub, presence, strangers, counts, onError } = this.#deps
    counts.closes.count(connection.framing, connection.closedWith ?? code)
    strangers.leave(connection)
    const { actor } = connection
    if (actor === undefined) return
    hub.remove(connection, actor.userId)
    presence.remove(actor.userId, connection.id).catch(onError)
  }

  async #identify({ token, ticket, stream }: Credential): Promise<Actor> {
    const { authenticate, tickets } = this.#deps
    if (token !== undefined) return await authenticate(token)
    if (ticket !== undefined && stream !== undefined) return await tickets.redeemForStream(ticket, stream.proof)
    if (ticket !== undefined) return await tickets.redeem(ticket)
    throw new AppError('unauthenticated', 'Give a token or a ticket')
  }

  /** Counts a connection by whose it is, and by its network no more. */
  #count(key: string, stranger: object): void {
    this.#connects.take(key, 'Too many connections')
    this.#deps.strangers.admit(stranger)
  }

  async #register(connection: Connection, actor: Actor): Promise<Standing | undefined> {
    const { hub, presence, sessions } = this.#deps
    this.#requireOpen(connection)
    this.#requireQuota(actor)
    connection.actor = actor
    const registered = hub.register(connection, actor)
    // After it is known here, so that who may not see it is not told.
    presence.set(actor.userId, connection.id, 'online')
    const standing = await registered
    // From here on the end of the session or the account closes the connection; before, it may have been missed.
    await sessions.requireLiveSession(actor)
    this.#requireOpen(connection)
    return standing
  }

  #requireOpen(connection: Connection): void {
    if (!this.#open.has(connection) || !connection.isOpen) {
      throw new AppError('unauthenticated', 'The connection was closed meanwhile')
    }
  }

  #requireQuota({ userId }: Actor): void {
    const { hub, limits } = this.#deps
    if (hub.countOf(userId) >= limits.connectionsPerUser) {
      throw new AppError('quota_reached', `At most ${limits.connectionsPerUser} connections at once`)
    }
  }
}

const REASONS: Partial<Record<AppError['code'], CloseReason>> = {
  unauthenticated: 'auth_invalid',
  token_expired: 'auth_expired',
  session_revoked: 'session_revoked',
  account_disabled: 'account_disabled',
  quota_reached: 'too_many_connections',
  rate_limited: 'too_many_connections',
  draining: 'drain',
  busy: 'overloaded',
  invalid: 'bad_frame'
}

/** The reason to close a connection whose client is not let in. */
export function closeReasonOf(error: unknown): CloseReason {
  return (error instanceof AppError ? REASONS[error.code] : undefined) ?? 'internal'
}
