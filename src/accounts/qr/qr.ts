import { randomBytes, randomInt } from 'node:crypto'
import { QR_PREFIX, type QrLogin, type QrState } from '../../../protocol/accounts/entities.ts'
import { prefixedId } from '../../../protocol/ids.ts'
import type { Device } from '../../../protocol/users/entities.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { Batcher } from '../../limits/batcher.ts'
import { NetworkBuckets } from '../../limits/network-buckets.ts'
import { rateOf, TokenBuckets } from '../../limits/token-buckets.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { UserService } from '../../users/index.ts'
import type { SignIn } from '../passwords/password-sign-in.ts'
import type { SessionService } from '../sessions/sessions.ts'
import type { SignInCounts } from '../sign-in-counts.ts'
import { MacTokens } from '../tokens/mac-tokens.ts'
import { CodeChanges } from './code-changes.ts'
import { invalidCode, noCode } from './code-errors.ts'
import { type CodeDoc, isDecidedBy, mayView, personOf, presentState, type Viewer } from './code-state.ts'
import { isSameProof, type Presenter, storedProof } from './device-proof.ts'
import { drawQr, type QrFormat } from './qr-image.ts'
import type { QrLoginDoc, QrLoginStore, QrPerson } from './store.ts'

interface QrDeps {
  readonly store: { readonly qrLogins: QrLoginStore }
  readonly config: Pick<Config, 'QR_TOKEN_EXPIRES_IN' | 'timings' | 'limits'> & {
    readonly JWT_SECRET: readonly string[]
  }
  readonly sessions: SessionService
  readonly users: UserService
  readonly signIns: SignInCounts
}

/** Maker of a code: somebody who is signed in, or a device. */
interface Maker {
  readonly actor?: Actor | null | undefined
  readonly device?: Device | undefined
  /** Program of a device whose app keeps no secret. */
  readonly program?: string
  readonly ip: string
}

const RETRY_MS = 1_000
const SECRET_BYTES = 32
/** Time after its end for which a code is still looked for, ms; the database removes it meanwhile. */
const KEPT_MS = 60_000
/** Codes that are looked for at once. */
const MAX_BATCH = 500
const MINUTE_MS = 60_000

/**
 * Signing a device in by a picture, both ways round: a device that is signed out shows one, and somebody who is
 * signed in approves it; or somebody who is signed in shows one, the first device that presents it waits, and they
 * approve that device. The picture is no secret: only the device that the code is bound to gets in, by what is not in
 * the picture. One whose app keeps no secret is told by its id and its program, and as soon as another one asks to be
 * let in by its code, nobody is.
 */
export class QrService {
  readonly #codes: QrLoginStore
  readonly #lifeMs: number
  readonly #tokens: MacTokens
  readonly #found: Batcher<string, QrLoginDoc | undefined>
  readonly #changes: CodeChanges
  readonly #madeBy: TokenBuckets
  readonly #madeFrom: NetworkBuckets
  readonly #drawnFor: NetworkBuckets
  readonly #sessions: SessionService
  readonly #users: UserService
  readonly #signIns: SignInCounts

  constructor({ store, config, sessions, users, signIns }: QrDeps) {
    this.#signIns = signIns
    this.#codes = store.qrLogins
    this.#lifeMs = config.QR_TOKEN_EXPIRES_IN
    this.#tokens = new MacTokens(config.JWT_SECRET, 'QR code')
    this.#found = new Batcher(async tokens => await store.qrLogins.findAll(tokens), MAX_BATCH)
    this.#changes = new CodeChanges(config.timings.qrPollMs)
    const rate = rateOf(config.limits.qrCodesPerMinute, MINUTE_MS)
    this.#madeBy = new TokenBuckets(rate)
    this.#madeFrom = new NetworkBuckets(rate)
    this.#drawnFor = new NetworkBuckets(rate)
    this.#sessions = sessions
    this.#users = users
  }

  /**
   * Key that requests about a code are counted by; nothing where there has never been such a code.
   * @param text the token, or what the picture holds
   */
  keyOf(text: unknown): string | undefined {
    if (typeof text !== 'string') return undefined
    const token = text.startsWith(QR_PREFIX) ? text.slice(QR_PREFIX.length) : text
    return this.#tokens.expiryOf(token) > 0 ? token : undefined
  }

  /**
   * A new code: the actor's, or where nobody is signed in the device's, which gets a secret unless it says its program.
   * @throws {AppError} `invalid` without either, `rate_limited`
   */
  async create({ actor, device, program, ip }: Maker): Promise<QrLogin> {
    if (!actor && !device) throw new AppError('invalid', 'device is required where nobody is signed in')
    if (actor) this.#madeBy.take(actor.userId, 'Too many codes')
    else this.#madeFrom.take(ip, 'Too many codes')
    const now = new Date()
    const expiresAt = new Date(now.getTime() + this.#lifeMs)
    const token = this.#tokens.make(expiresAt)
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    const proof = storedProof(
      program === undefined ? { kind: 'secret', text: secret } : { kind: 'program', text: program }
    )
    const code: CodeDoc = {
      _id: new ObjectId(),
      ...omitUndefined(actor ? { makerId: new ObjectId(actor.userId) } : { device, proof }),
      matchCode: String(randomInt(100)).padStart(2, '0'),
      mismatches: 0,
      status: 'pending',
      createdAt: now,
      expiresAt
    }
    await this.#codes.insert(token, code)
    const { id, status, matchCode, expiresAt: end } = presentState(code, now)
    const deviceSecret = code.proof?.kind === 'secret' ? secret : undefined
    const url = `${QR_PREFIX}${token}`
    return { id, token, status, ...omitUndefined({ matchCode, deviceSecret }), url, expiresAt: end }
  }

  /**
   * State of a code, for somebody who is signed in, unless another person made it, and for the device whose code it is
   * or may become.
   * @throws {AppError} `not_found`, `unauthenticated` for who is neither
   */
  async status(token: string, viewer: Viewer): Promise<QrState> {
    if (!viewer.actor && viewer.deviceSecret === undefined) {
      throw new AppError('unauthenticated', 'Authorization or Device-Secret is required')
    }
    const code = await this.#find(token)
    if (!code || !mayView(code, viewer)) throw noCode()
    return presentState(code, new Date())
  }

  /**
   * State of a code for apps that keep no secret, whoever asks.
   * @throws {AppError} `not_found`, also where its device has a secret
   */
  async progress(token: string): Promise<Pick<QrState, 'id' | 'status' | 'expiresAt'>> {
    const code = await this.#find(token)
    if (!code || code.proof?.kind === 'secret') throw noCode()
    return presentState(code, new Date())
  }

  /**
   * Waits until a code is in another state than the one known, in whatever process that happens.
   * @param known the state that the caller has; the one at the time of the call unless told
   * @throws {AppError} `not_found`; also rejects when the signal aborts
   */
  async wait(token: string, viewer: Viewer, signal: AbortSignal, known?: QrState['status']): Promise<QrState> {
    let state = await this.status(token, viewer)
    const before = known ?? state.status
    while (state.status === before) {
      await this.#changes.nextLook(state, signal)
      state = await this.status(token, viewer)
    }
    return state
  }

  /**
   * Lets the device in that the code is bound to. A repeat answers the same.
   * @param matchCode what both devices show; left out only by apps that have no place for it
   * @throws {AppError} `not_found`, `forbidden` when the match code is another, `conflict` when no device has
   * presented the code yet or it is over
   */
  async approve(actor: Actor, token: string, matchCode?: string): Promise<QrState> {
    const now = new Date()
    const code = await this.#requireOwn(actor, token, now)
    if (matchCode !== undefined && matchCode !== code.matchCode) {
      await this.#codes.mismatch(token)
      this.#emitState(code)
      throw new AppError('forbidden', 'The other device shows another match code')
    }
    const approved = await this.#codes.approve(token, personOf(actor), code.matchCode, now)
    if (approved) return this.#changed(approved, now)
    const current = await this.#requireOwn(actor, token, now)
    const isRepeat = ['approved', 'used'].includes(current.status) && isDecidedBy(current, actor)
    if (isRepeat) return presentState(current, now)
    throw current.status === 'pending'
      ? new AppError('conflict', 'No device has presented the code yet')
      : new AppError('conflict', 'The code is not valid any more')
  }

  /** Keeps the device out. A repeat answers the same. @throws {AppError} `not_found`, `conflict` when it is in */
  async refuse(actor: Actor, token: string): Promise<QrState> {
    const now = new Date()
    await this.#requireOwn(actor, token, now)
    const refused = await this.#codes.refuse(token, personOf(actor), now)
    if (refused) return this.#changed(refused, now)
    const current = await this.#requireOwn(actor, token, now)
    if (current.status === 'refused') return presentState(current, now)
    throw new AppError('conflict', 'The code is not valid any more')
  }

  /**
   * Signs the device in, once, when the code is approved. A code that a person made is first bound to the device. One
   * that is bound to a program is refused to everybody once another one presents it.
   * @throws {AppError} `approval_pending`, `forbidden` when it was refused, `unauthenticated` when the code is over, or
   * is another device's, or who approved it is not signed in any more
   */
  async login(token: string, presenter: Presenter): Promise<SignIn> {
    return await this.#signIns.watch('qr', this.#login(token, presenter))
  }

  async #login(token: string, presenter: Presenter): Promise<SignIn> {
    const code = await this.#present(token, presenter)
    if (code.status === 'refused') throw new AppError('forbidden', 'The sign-in was refused')
    if (code.status !== 'approved') {
      throw new AppError('approval_pending', 'The sign-in waits for approval', { retryAfterMs: RETRY_MS })
    }
    const used = await this.#codes.use(token, presenter.device.id, new Date())
    if (!used?.decidedBy) throw invalidCode()
    this.#emitState(used)
    return await this.#open(used.decidedBy, { ...used.device, ...presenter.device })
  }

  /** The picture of a code that somebody may still use. @throws {AppError} `not_found`, `rate_limited` */
  async image(token: string, ip: string, format?: QrFormat): Promise<{ type: string; content: Buffer }> {
    if (!this.#mayBe(token)) throw noCode()
    this.#drawnFor.take(ip, 'Too many pictures')
    const code = await this.#find(token)
    if (!code || !['pending', 'scanned'].includes(presentState(code, new Date()).status)) throw noCode()
    return await drawQr(`${QR_PREFIX}${token}`, format)
  }

  async #find(token: string): Promise<QrLoginDoc | undefined> {
    return this.#mayBe(token) ? await this.#found.add(token) : undefined
  }

  /** Whether the database may have a code. */
  #mayBe(token: string): boolean {
    return this.#tokens.expiryOf(token) + KEPT_MS > Date.now()
  }

  /** @throws {AppError} `not_found` when it has expired, or another person made it */
  async #requireOwn({ userId }: Actor, token: string, now: Date): Promise<QrLoginDoc> {
    const code = await this.#find(token)
    if (!code || code.expiresAt <= now || (code.makerId && code.makerId.toHexString() !== userId)) throw noCode()
    return code
  }

  /** The code, bound to this device. @throws {AppError} `unauthenticated` */
  async #present(token: string, { device, proof }: Presenter): Promise<QrLoginDoc> {
    const now = new Date()
    const code = await this.#bind(token, { device, proof }, now)
    if (!code || code.expiresAt <= now || code.status === 'used') throw invalidCode()
    if (code.device?.id === device.id && isSameProof(code.proof, proof)) return code
    // Who looks like the same program need not be it: once it shows that there are two, neither gets in.
    if (code.proof?.kind === 'program') this.#emitState(await this.#codes.end(token))
    throw invalidCode()
  }

  /** The code; one that a person made is bound to the device, if that is the first. */
  async #bind(token: string, { device, proof }: Presenter, now: Date): Promise<QrLoginDoc | undefined> {
    const code = await this.#find(token)
    if (!code?.makerId || code.status !== 'pending') return code
    const scanned = await this.#codes.scan(token, device, storedProof(proof), now)
    this.#emitState(scanned)
    return scanned ?? (await this.#find(token))
  }

  /**
   * Approval by a session that has ended is none: asked after the new session is open, so that ending all
   * sessions at the same moment ends this one too.
   */
  async #open({ userId, sessionId, tokenExpiresAt }: QrPerson, device: Device): Promise<SignIn> {
    const approver: Actor = {
      userId: userId.toHexString(),
      ...omitUndefined({ sessionId: sessionId?.toHexString() }),
      expiresAt: tokenExpiresAt?.getTime() ?? 0
    }
    const session = await this.#sessions.open(approver.userId, device, approver)
    try {
      await this.#sessions.requireLiveSession(approver)
    } catch (cause) {
      await this.#sessions.logout({ ...session, expiresAt: 0 })
      throw invalidCode(cause)
    }
    return { ...session, user: await this.#users.me(approver) }
  }

  #changed(code: QrLoginDoc, now: Date): QrState {
    this.#emitState(code)
    return presentState(code, now)
  }

  #emitState(code: CodeDoc | null): void {
    if (code) this.#changes.emit(prefixedId('qr', code._id.toHexString()))
  }
}
