import { randomBytes } from 'node:crypto'
import type { Session } from '../../../protocol/accounts/entities.ts'
import { SessionAdded } from '../../../protocol/accounts/events.ts'
import { bareId } from '../../../protocol/ids.ts'
import type { Device } from '../../../protocol/users/entities.ts'
import type { Actor } from '../../actor.ts'
import type { Bus } from '../../bus/bus.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { AccountStore } from '../../streams/store.ts'
import type { PushTokenStore, UserService } from '../../users/index.ts'
import { LiveSessions, usedGenerationOf } from './live-sessions.ts'
import { MAX_LISTED, makeRoom } from './making-room.ts'
import { presentRef, presentSession } from './present.ts'
import { RefreshTokens } from './refresh-tokens.ts'
import type { SessionDoc, SessionStore } from './store.ts'

/** A session and the token that continues it. Ids are 24 hexadecimal digits. */
export interface OpenSession {
  readonly userId: string
  readonly sessionId: string
  readonly refreshToken: string
  /** Generation of the refresh token, which the access tokens made with it carry. */
  readonly generation: number
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
  readonly #live: LiveSessions

  constructor({ store, bus, config, users }: SessionDeps) {
    this.#store = store
    this.#bus = bus
    this.#lifeMs = config.REFRESH_EXPIRES_IN
    this.#timings = config.timings
    this.#users = users
    this.#tokens = new RefreshTokens(config.JWT_SECRET)
    this.#live = new LiveSessions({ store: store.sessions, config })
    bus.subscribe('sessionEnd', ({ sessionId }) => this.forget(sessionId))
  }

  /** Looks a session up anew that may have ended on another server. */
  forget(sessionId: string): void {
    this.#live.forget(sessionId)
  }

  /**
   * Opens a session, and tells the person's other devices. It takes the place of the one of the same device; else the
   * longest unused ends when they have too many.
   * @param approver who has let it in, if somebody has: then it ends with theirs
   */
  async open(userId: string, device: Device | undefined, approver?: Approver): Promise<OpenSession> {
    const now = new Date()
    const session: SessionDoc = {
      _id: new ObjectId(),
      userId: new ObjectId(userId),
      ...omitUndefined({ device }),
      generation: 1,
      usedGeneration: 1,
      salt: randomBytes(16).toString('base64url'),
      createdAt: now,
      lastSeenAt: now,
      rotatedAt: now,
      expiresAt: new Date(now.getTime() + this.#lifeMs),
      ...boundTo(approver)
    }
    const others = await this.#store.sessions.list(session.userId, now, MAX_LISTED)
    const { former, tooMany, keptCount } = makeRoom(others, device, approver?.sessionId)
    await this.#insert(session, keptCount > 0)
    // What the device has approved before stays approved.
    const formerIds = former.map(({ _id }) => _id)
    await this.#store.sessions.handApprovals(formerIds, session._id)
    const ended = [...formerIds, ...tooMany.map(({ _id }) => _id)]
    await Promise.all(ended.map(async id => await this.#end(id, session.userId)))
    return this.#opened(session, 1)
  }

  /** Whether the actor themself has signed in here lately, and not only been let in by another device. */
  async isFresh({ sessionId }: Actor): Promise<boolean> {
    const session = sessionId === undefined ? null : await this.#store.sessions.find(new ObjectId(sessionId))
    if (session === null || session.approvedBy !== undefined || session.isFixed) return false
    return Date.now() - session.createdAt.getTime() <= FRESH_MS
  }

  /**
   * Trades a refresh token for its successor. Where the answer was lost the direct predecessor gets the same one again,
   * as long as nothing that came of it has come in; any other token that was used before ends the session.
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
    if (!isFirst) await this.#requireUnusedSuccessor(session._id, claim.generation)
    return this.#opened(session, claim.generation + 1)
  }

  /** Session that a refresh token says it is of, proved or not; '' for what is none. */
  nameOf(token: string): string {
    return this.#tokens.parse(token)?.sessionId ?? ''
  }

  /** Live sessions of the actor, newest first. */
  async list(actor: Actor): Promise<Session[]> {
    const sessions = await this.#store.sessions.list(new ObjectId(actor.userId), new Date(), MAX_LISTED)
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
   * @param generation that of the access token, where it is a token that is presented
   * @throws {AppError} `session_revoked`, `account_disabled`
   */
  async requireLiveSession(
    { userId, sessionId }: Pick<Actor, 'userId' | 'sessionId'>,
    generation: number = 0
  ): Promise<void> {
    if (sessionId !== undefined) await this.#live.require(userId, sessionId, generation)
    await this.#users.requireEnabled(userId)
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
    return { userId: userId.toHexString(), sessionId, refreshToken, generation, ...omitUndefined({ endsAt }) }
  }

  /**
   * Requires the direct predecessor of a token that has not come in, and no access token made with it either, unless
   * that was moments ago: two tabs of a browser may ask at once.
   * @throws {AppError} `session_revoked`
   */
  async #requireUnusedSuccessor(sessionId: ObjectId, generation: number): Promise<void> {
    const session = await this.#store.sessions.find(sessionId)
    if (!session) throw new AppError('session_revoked', 'The session has ended')
    requireUnended(session)
    const isUnused = usedGenerationOf(session) <= generation
    const isFresh = Date.now() - session.rotatedAt.getTime() <= this.#timings.refreshGraceMs
    if (session.generation === generation + 1 && (isUnused || isFresh)) return
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
}

function requireUnended({ revokedAt, expiresAt }: SessionDoc): void {
  if (revokedAt || expiresAt <= new Date()) throw new AppError('session_revoked', 'The session has ended')
}

function boundTo(approver: Approver | undefined): Partial<Pick<SessionDoc, 'approvedBy' | 'expiresAt' | 'isFixed'>> {
  if (approver === undefined) return {}
  if (approver.sessionId !== undefined) return { approvedBy: new ObjectId(approver.sessionId) }
  return { expiresAt: new Date(approver.expiresAt), isFixed: true }
}
