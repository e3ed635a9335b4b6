import { bareId } from '../../protocol/ids.ts'
import type { SessionService } from '../accounts/index.ts'
import type { Actor } from '../actor.ts'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { emailKey, parsePhone } from '../identifiers.ts'
import type { Role, StandingStore, UserDoc, UserKey, UserStore } from '../users/index.ts'

interface AdminDeps {
  readonly store: { readonly users: UserStore; readonly standings: StandingStore }
  readonly sessions: Pick<SessionService, 'revokeAll'>
  readonly bus: Bus
  readonly config: Pick<Config, 'DEFAULT_REGION'>
}

const USER_ID = /^(?:user_)?[0-9a-f]{24}$/

/** Decisions of operators about people. */
export class AdminService {
  readonly #deps: AdminDeps

  constructor(deps: AdminDeps) {
    this.#deps = deps
  }

  /**
   * The person whom an operator means.
   * @param name an id, a username, or a proved phone number or email
   * @throws {AppError} `not_found`
   */
  async find(name: string): Promise<UserDoc> {
    const { users } = this.#deps.store
    const user = USER_ID.test(name)
      ? await users.find(new ObjectId(bareId(name)))
      : await users.findByKey(await this.#keyOf(name))
    if (user === null) throw noSuchUser()
    return user
  }

  /**
   * Disables an account: nobody signs in to it, its sessions end, and so do its connections, here at once and on
   * other servers within seconds. Repeating it ends what has been left. @throws {AppError} `not_found`
   */
  async disable(userId: string): Promise<void> {
    const { store, sessions, bus } = this.#deps
    if (!(await store.standings.disable(new ObjectId(userId)))) throw noSuchUser()
    // Before the sessions end, so that clients hear why.
    bus.publish('accountEnd', { userId })
    await sessions.revokeAll({ userId })
  }

  /** Lets a disabled account sign in again, within seconds on every server. @throws {AppError} `not_found` */
  async enable(userId: string): Promise<void> {
    if (!(await this.#deps.store.standings.enable(new ObjectId(userId)))) throw noSuchUser()
  }

  /** Gives somebody a role, or with `undefined` takes it away. @throws {AppError} `not_found` */
  async setRole(userId: string, role: Role | undefined): Promise<void> {
    if (!(await this.#deps.store.standings.setRole(new ObjectId(userId), role))) throw noSuchUser()
  }

  /** The same as `disable`, for an admin. @throws {AppError} also `forbidden` for others, `invalid` for oneself */
  async disableAs(actor: Actor, id: string): Promise<void> {
    await this.#requireAdmin(actor)
    const userId = bareId(id)
    if (userId === actor.userId) throw new AppError('invalid', 'Nobody disables themself')
    await this.disable(userId)
  }

  /** The same as `enable`, for an admin. @throws {AppError} also `forbidden` for others */
  async enableAs(actor: Actor, id: string): Promise<void> {
    await this.#requireAdmin(actor)
    await this.enable(bareId(id))
  }

  async #requireAdmin({ userId }: Actor): Promise<void> {
    // Read each time: a role that was taken away counts at once.
    const user = await this.#deps.store.users.find(new ObjectId(userId))
    if (user?.role !== 'admin') throw new AppError('forbidden', 'Only an admin may do this')
  }

  async #keyOf(name: string): Promise<UserKey> {
    if (name.includes('@')) return { email: emailKey(name) }
    if (!/^(\+|00)/.test(name)) return { usernameKey: name.toLowerCase() }
    const phone = await parsePhone(name, this.#deps.config.DEFAULT_REGION)
    if (phone === undefined) throw noSuchUser()
    return { phone }
  }
}

function noSuchUser(): AppError {
  return new AppError('not_found', 'There is no such user')
}
