import { randomBytes, randomInt } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { QR_PREFIX, type QrLogin, type QrState } from '../../../protocol/accounts/entities.ts'
import type { QrPresentation } from '../../../protocol/accounts/qr-routes.ts'
import { prefixedId } from '../../../protocol/ids.ts'
import type { Device } from '../../../protocol/users/entities.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { UserService } from '../../users/index.ts'
import type { SignIn } from '../passwords/password-sign-in.ts'
import type { SessionService } from '../sessions/sessions.ts'
import { drawQr, type QrFormat } from './qr-image.ts'
import type { QrLoginDoc, QrLoginStore, QrPerson } from './store.ts'

interface QrDeps {
  readonly store: { readonly qrLogins: QrLoginStore }
  readonly config: Pick<Config, 'QR_TOKEN_EXPIRES_IN' | 'timings'>
  readonly sessions: SessionService
  readonly users: UserService
}

const RETRY_MS = 1_000
const TOKEN = /^[A-Za-z0-9_-]{43}$/
type CodeDoc = Omit<QrLoginDoc, 'tokenHash'>

/**
 * Signing a device in by a picture, both ways round: a device that is signed out shows one, and somebody who is
 * signed in approves it; or somebody who is signed in shows one, the first device that presents it waits, and they
 * approve that device. Who knows the token may ask about the code; only the device that it is bound to gets in.
 */
export class QrService {
  readonly #codes: QrLoginStore
  readonly #lifeMs: number
  /** Other processes change codes too. */
  readonly #pollMs: number
  readonly #sessions: SessionService
  readonly #users: UserService
  /** Says the id of a code that has changed in this process. */
  readonly #changes = new EventEmitter().setMaxListeners(0)

  constructor({ store, config, sessions, users }: QrDeps) {
    this.#codes = store.qrLogins
    this.#lifeMs = config.QR_TOKEN_EXPIRES_IN
    this.#pollMs = config.timings.qrPollMs
    this.#sessions = sessions
    this.#users = users
  }

  /** A new code: the actor's, or where nobody is signed in the device's. @throws {AppError} `invalid` without either */
  async create(actor: Actor | null | undefined, device?: Device): Promise<QrLogin> {
    if (!actor && !device) throw new AppError('invalid', 'device is required where nobody is signed in')
    const token = randomBytes(32).toString('base64url')
    const now = new Date()
    const code: CodeDoc = {
      _id: new ObjectId(),
      ...omitUndefined(actor ? { makerId: new ObjectId(actor.userId) } : { device }),
      matchCode: String(randomInt(100)).padStart(2, '0'),
      mismatches: 0,
      status: 'pending',
      createdAt: now,
      expiresAt: new Date(now.getTime() + this.#lifeMs)
    }
    await this.#codes.insert(token, code)
    const { id, status, matchCode, expiresAt } = presentState(code, now)
    const url = `${QR_PREFIX}${token}`
    return { id, token, status, ...omitUndefined({ matchCode }), url, expiresAt }
  }

  /**
   * State of a code. A device that names itself is answered only about a code that is or may become its own.
   * @throws {AppError} `not_found`
   */
  async status(token: string, deviceId?: string): Promise<QrState> {
    const code = await this.#find(token)
    if (!code || (deviceId !== undefined && code.device && code.device.id !== deviceId)) throw noCode()
    return presentState(code, new Date())
  }

  /**
   * Waits until a code is in another state than the one known, in whatever process that happens.
   * @param known the state that the caller has; the one at the time of the call unless told
   * @throws {AppError} `not_found`; also rejects when the signal aborts
   */
  async wait(
    token: string,
    deviceId: string | undefined,
    signal: AbortSignal,
    known?: QrState['status']
  ): Promise<QrState> {
    let state = await this.status(token, deviceId)
    const before = known ?? state.status
    while (state.status === before) {
      await this.#nextLook(state, signal)
      state = await this.status(token, deviceId)
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
   * Signs the device in, once, when the code is approved. A code that a person made is first bound to the device.
   * @throws {AppError} `approval_pending`, `forbidden` when it was refused, `unauthenticated` when the code is over, or
   * is another device's, or who approved it is not signed in any more
   */
  async login(token: string, { deviceId, device }: QrPresentation): Promise<SignIn> {
    const code = await this.#present(token, { ...device, id: deviceId })
    if (code.status === 'refused') throw new AppError('forbidden', 'The sign-in was refused')
    if (code.status !== 'approved') {
      throw new AppError('approval_pending', 'The sign-in waits for approval', { retryAfterMs: RETRY_MS })
    }
    const used = await this.#codes.use(token, deviceId, new Date())
    if (!used?.decidedBy) throw invalidCode()
    this.#emitState(used)
    return await this.#open(used.decidedBy, { ...used.device, ...device, id: deviceId })
  }

  /** The picture of a code that somebody may still use. @throws {AppError} `not_found` */
  async image(token: string, format?: QrFormat): Promise<{ type: string; content: Buffer }> {
    const code = await this.#find(token)
    if (!code || !['pending', 'scanned'].includes(presentState(code, new Date()).status)) throw noCode()
    return await drawQr(`${QR_PREFIX}${token}`, format)
  }

  async #find(token: string): Promise<QrLoginDoc | null> {
    return TOKEN.test(token) ? await this.#codes.find(token) : null
  }

  /** @throws {AppError} `not_found` when it has expired, or another person made it */
  async #requireOwn({ userId }: Actor, token: string, now: Date): Promise<QrLoginDoc> {
    const code = await this.#find(token)
    if (!code || code.expiresAt <= now || (code.makerId && code.makerId.toHexString() !== userId)) throw noCode()
    return code
  }

  /** The code, bound to this device. @throws {AppError} `unauthenticated` */
  async #present(token: string, device: Device): Promise<QrLoginDoc> {
    const now = new Date()
    let code = await this.#find(token)
    if (code?.makerId && code.status === 'pending') {
      const scanned = await this.#codes.scan(token, device, now)
      if (scanned) this.#emitState(scanned)
      code = scanned ?? (await this.#find(token))
    }
    if (!code || code.expiresAt <= now || code.status === 'used' || code.device?.id !== device.id) throw invalidCode()
    return code
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

  #emitState({ _id }: CodeDoc): void {
    this.#changes.emit(prefixedId('qr', _id.toHexString()))
  }

  /** Resolves when the code has changed here, or it is time to look, or it has expired. Rejects when aborted. */
  async #nextLook({ id, expiresAt }: QrState, signal: AbortSignal): Promise<void> {
    const untilExpiry = Date.parse(expiresAt) - Date.now()
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const settle = (done: () => void) => (): void => {
        clearTimeout(timer)
        this.#changes.off(id, look)
        signal.removeEventListener('abort', abort)
        done()
      }
      const look = settle(resolve)
      const abort = settle(() => reject(signal.reason))
      const timer = setTimeout(look, untilExpiry > 0 ? Math.min(this.#pollMs, untilExpiry) : this.#pollMs)
      this.#changes.once(id, look)
      signal.addEventListener('abort', abort, { once: true })
    })
  }
}

function presentState({ _id, status, device, matchCode, expiresAt }: CodeDoc, now: Date): QrState {
  const isOver = status === 'used' || status === 'refused'
  const { platform, name } = device ?? {}
  return {
    id: prefixedId('qr', _id.toHexString()),
    status: expiresAt <= now && !isOver ? 'expired' : status,
    ...omitUndefined({ matchCode: device && matchCode, device: device && omitUndefined({ platform, name }) }),
    expiresAt: expiresAt.toISOString()
  }
}

function personOf({ userId, sessionId, expiresAt }: Actor): QrPerson {
  const source =
    sessionId === undefined ? { tokenExpiresAt: new Date(expiresAt) } : { sessionId: new ObjectId(sessionId) }
  return { userId: new ObjectId(userId), ...source }
}

function isDecidedBy({ decidedBy }: CodeDoc, { userId }: Actor): boolean {
  return decidedBy?.userId.toHexString() === userId
}

function noCode(): AppError {
  return new AppError('not_found', 'There is no such code')
}

function invalidCode(cause?: unknown): AppError {
  return new AppError('unauthenticated', 'The code is not valid', { cause })
}
