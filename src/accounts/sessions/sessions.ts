import { randomBytes } from 'node:crypto'
import type { Session, SessionRef } from '../../../protocol/accounts/entities.ts'
import { SessionAdded } from '../../../protocol/accounts/events.ts'
import { bareId, prefixedId } from '../../../protocol/ids.ts'
import type { Device } from '../../../protocol/users/entities.ts'
import type { Actor } from '../../actor.ts'
import type { Bus } from '../../bus/bus.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { RecentCache } from '../../limits/recent-cache.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { DeviceCursor } from '../../streams/positions.ts'
import type { AccountStore } from '../../streams/store.ts'
import type { PushTokenStore, UserService } from '../../users/index.ts'
import { RefreshTokens } from './refresh-tokens.ts'
import type { SessionDoc, SessionStore } from './store.ts'

/** A session and the token that continues it. Ids are 24 hexadecimal digits. */
export interface OpenSession {
  readonly userId: string
  readonly sessionId: string
  readonly refreshToken: string
  /** Time at which it ends whatever happens, ms since 1970; most have none. */
  readonly endsAt?: number
}

/** Approver of a device: a session, or a foreign token with its end, ms since 1970. */
export type Approver = Pick<Actor, 'sessionId' | 'expiresAt'>

interface SessionDeps {
  readonly store: {
    readonly sessions: SessionStore
    readonly accounts: AccountStore
    readonly pushTokens: PushTokenStore
  }
  readonly bus: Bus
  readonly config: Pick<Config, 'REFRESH_EXPIRES_IN' | 'timings'> & { readonly JWT_SECRET: readonly string[] }
  readonly users: UserService
}

const MAX_CACHED = 50_000
const TOUCH_MS = 300_000
const MAX_SESSIONS = 100
const MAX_ROUNDS = 5
/** Age up to which a sign-in counts as a proof of identity, ms. */
const FRESH_MS = 600_000
/** Age up to which a session ends with the session that approved it, ms. */
const APPROVED_MS = 86_400_000

/** Logins: opening, continuing, listing and ending them, and whether one is live. */
export class SessionService {
  readonly #store: SessionDeps['store']
  readonly #bus: Bus
  readonly #lifeMs: number
  readonly #timings: Config['timings']
  readonly #users: UserService
  readonly #tokens: RefreshTokens
  /** User ids by the id of a live session. */
  readonly #live: RecentCache<string>

  constructor({ store, bus, config, users }: SessionDeps) {
    this.#store = store
    this.#bus = bus
    this.#lifeMs = config.REFRESH_EXPIRES_IN
    this.#timings = config.timings
    this.#users = users
    this.#tokens = new RefreshTokens(config.JWT_SECRET)
    this.#live = new RecentCache(id => this.#loadLive(id), config.timings.sessionCacheMs, MAX_CACHED)
    bus.subscribe('sessionEnd', ({ sessionId }) => this.forget(sessionId))
  }

  /** Looks a session up anew that may have ended on another server. */
  forget(sessionId: string): void {
    this.#live.delete(sessionId)
  }

  /**
   * Opens a session, and tells the person's other devices. Their oldest session ends when they have too many.
   * @param approver who has let it in, if somebody has: then it ends with theirs
   */
  async open(userId: string, device: Device | undefined, approver?: Approver): Promise<OpenSession> {
    const now = new Date()
    const session: SessionDoc = {
      _id: new ObjectId(),
      userId: new ObjectId(userId),
      ...omitUndefined({ device }),
      generation: 1,
      salt: randomBytes(16).toString('base64url'),
      createdAt: now,
      lastSeenAt: now,
      rotatedAt: now,
      expiresAt: new Date(now.getTime() + this.#lifeMs),
      ...boundTo(approver)
    }
    const others = await this.#store.sessions.list(session.userId, now, MAX_SESSIONS)
    await this.#insert(session, others.length > 0)
    await Promise.all(others.slice(MAX_SESSIONS - 1).map(({ _id }) => this.#end(_id, session.userId)))
    return this.#opened(session, 1)
  }

  /** Whether the actor themself has signed in here lately, and not only been let in by another device. */
  async isFresh({ sessionId }: Actor): Promise<boolean> {
    const session = sessionId === undefined ? null : await this.#store.sessions.find(new ObjectId(sessionId))
    if (session === null || session.approvedBy !== undefined || session.isFixed) return false
    return Date.now() - session.createdAt.getTime() <= FRESH_MS
  }

  /**
   * Trades a refresh token for its successor. The direct predecessor still gets the same successor for ten seconds,
   * as long as that is unused; any other token that was used before ends the session.
   * @throws {AppError} `unauthenticated` for what is no token, `session_revoked` when the session has ended
   */
  async refresh(token: string): Promise<OpenSession> {
    const claim = this.#tokens.parse(token)
    const session = claim && (await this.#store.sessions.find(new ObjectId(claim.sessionId)))
    if (!claim || !session || !this.#tokens.isProof({ ...claim, salt: session.salt }, claim.proof)) {
      throw new AppError('unauthenticated', 'The refresh token is not valid')
    }
    requireUnended(session)
    await this.#users.requireEnabled(session.userId.toHexString())
    const now = new Date()
    const expiresAt = session.isFixed ? session.expiresAt : new Date(now.getTime() + this.#lifeMs)
    const isFirst = await this.#store.sessions.rotate(session._id, claim.generation, now, expiresAt)
    if (!isFirst) await this.#requireGrace(session._id, claim.generation)
    return this.#opened(session, claim.generation + 1)
  }

  /** Session that a refresh token says it is of, proved or not; '' for what is none. */
  nameOf(token: string): string {
    return this.#tokens.parse(token)?.sessionId ?? ''
  }

  /** Live sessions of the actor, newest first. */
  async list(actor: Actor): Promise<Session[]> {
    const sessions = await this.#store.sessions.list(new ObjectId(actor.userId), new Date(), MAX_SESSIONS)
    return sessions.map(session => presentSession(session, actor))
  }

  /** Ends one of the actor's sessions: its connections close and its tokens are dead. @throws {AppError} `not_found` */
  async revoke(actor: Actor, sessionId: string): Promise<void> {
    const isEnded = await this.#end(new ObjectId(bareId(sessionId)), new ObjectId(actor.userId))
    if (!isEnded) throw new AppError('not_found', 'There is no such session')
  }

  /** Ends the actor's sessions except the one they speak from. */
  async revokeOthers(actor: Actor): Promise<void> {
    const userId = new ObjectId(actor.userId)
    const kept = actor.sessionId === undefined ? undefined : new ObjectId(actor.sessionId)
    const others = await this.#store.sessions.idsExcept(userId, kept)
    await Promise.all(others.map(id => this.#end(id, userId)))
  }

  /** Ends all sessions of somebody; also those that are opened while it does so by one of them. */
  async revokeAll({ userId }: Pick<Actor, 'userId'>): Promise<void> {
    const person = new ObjectId(userId)
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const sessions = await this.#store.sessions.idsExcept(person, undefined)
      if (sessions.length === 0) return
      await Promise.all(sessions.map(id => this.#end(id, person)))
    }
  }

  /** Ends the session that the actor speaks from; a token without one is its issuer's to end. */
  async logout(actor: Actor): Promise<void> {
    if (actor.sessionId !== undefined) await this.#end(new ObjectId(actor.sessionId), new ObjectId(actor.userId))
  }

  /**
   * Refuses who speaks from a session that has ended, in whatever process: at once here, within seconds elsewhere.
   * @throws {AppError} `session_revoked`, `account_disabled`
   */
  async requireLiveSession({ userId, sessionId }: Pick<Actor, 'userId' | 'sessionId'>): Promise<void> {
    if (sessionId !== undefined && (await this.#live.get(sessionId)) !== userId) {
      throw new AppError('session_revoked', 'The session has ended')
    }
    await this.#users.requireEnabled(userId)
  }

  /** Delivery cursor of the actor's device; `undefined` where none is known, as with foreign tokens. */
  async deviceCursor({ sessionId }: Actor): Promise<DeviceCursor | undefined> {
    if (sessionId === undefined) return undefined
    const { reached } = (await this.#store.sessions.find(new ObjectId(sessionId))) ?? {}
    if (reached === undefined) return undefined
    const recent = reached.recent.map(it => [it.conversationId.toHexString(), it.seq] as const)
    return { before: reached.before.getTime(), recent: new Map(recent) }
  }

  /** Notes how far messages have got to the actor's device. */
  async setDeviceCursor({ sessionId }: Actor, { before, recent }: DeviceCursor): Promise<void> {
    if (sessionId === undefined) return
    await this.#store.sessions.advanceDeviceCursor(new ObjectId(sessionId), {
      before: new Date(before),
      recent: [...recent].map(([id, seq]) => ({ conversationId: new ObjectId(id), seq }))
    })
  }

  async #insert(session: SessionDoc, isTold: boolean): Promise<void> {
    const { sessions, accounts } = this.#store
    if (!isTold) return await sessions.insert(session)
    const { _id, userId } = session
    const rev = await accounts.change(userId, 'session', _id, async it => await sessions.insert(session, it))
    this.#bus.publish('user', { userId: userId.toHexString(), rev, event: SessionAdded.create(presentRef(session)) })
  }

  #opened({ _id, userId, salt, isFixed, expiresAt }: SessionDoc, generation: number): OpenSession {
    const sessionId = _id.toHexString()
    const refreshToken = this.#tokens.encode({ sessionId, salt, generation })
    const endsAt = isFixed ? expiresAt.getTime() : undefined
    return { userId: userId.toHexString(), sessionId, refreshToken, ...omitUndefined({ endsAt }) }
  }

  /** @throws {AppError} `session_revoked` unless the generation is the direct predecessor of an unused, fresh one */
  async #requireGrace(sessionId: ObjectId, generation: number): Promise<void> {
    const session = await this.#store.sessions.find(sessionId)
    if (!session) throw new AppError('session_revoked', 'The session has ended')
    requireUnended(session)
    const isFresh = Date.now() - session.rotatedAt.getTime() <= this.#timings.refreshGraceMs
    if (session.generation === generation + 1 && isFresh) return
    await this.#end(sessionId, session.userId)
    throw new AppError('session_revoked', 'The refresh token was used before; the session has ended')
  }

  async #end(sessionId: ObjectId, userId: ObjectId): Promise<boolean> {
    const isEnded = await this.#store.sessions.revoke(sessionId, userId)
    if (!isEnded) return false
    this.#bus.publish('sessionEnd', { sessionId: sessionId.toHexString() })
    await this.#store.pushTokens.forgetSession(userId, sessionId)
    const approved = await this.#store.sessions.findApprovedBy(sessionId, new Date(Date.now() - APPROVED_MS))
    await Promise.all(approved.map(async id => await this.#end(id, userId)))
    return true
  }

  /** Load the owner of a live session; '' when it has ended. */
  async #loadLive(sessionId: string): Promise<string> {
    const session = await this.#store.sessions.find(new ObjectId(sessionId))
    const now = new Date()
    if (!session || session.revokedAt || session.expiresAt <= now) return ''
    if (now.getTime() - session.lastSeenAt.getTime() > TOUCH_MS) await this.#store.sessions.touch(session._id, now)
    return session.userId.toHexString()
  }
}

function requireUnended({ revokedAt, expiresAt }: SessionDoc): void {
  if (revokedAt || expiresAt <= new Date()) throw new AppError('session_revoked', 'The session has ended')
}

function boundTo(approver: Approver | undefined): Partial<Pick<SessionDoc, 'approvedBy' | 'expiresAt' | 'isFixed'>> {
  if (approver === undefined) return {}
  if (approver.sessionId !== undefined) return { approvedBy: new ObjectId(approver.sessionId) }
  return { expiresAt: new Date(approver.expiresAt), isFixed: true }
}

/** A session as its person's other devices are told of it. */
export function presentRef({ _id, device, createdAt }: SessionDoc): SessionRef {
  return { id: prefixedId('ses', _id.toHexString()), ...omitUndefined({ device }), createdAt: createdAt.toISOString() }
}

function presentSession({ _id, device, createdAt, lastSeenAt, expiresAt }: SessionDoc, actor: Actor): Session {
  return {
    id: prefixedId('ses', _id.toHexString()),
    ...omitUndefined({ device }),
    createdAt: createdAt.toISOString(),
    lastSeenAt: lastSeenAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    isCurrent: _id.toHexString() === actor.sessionId
  }
}
