import { bareId } from '../../protocol/ids.ts'
import { PAGE_SIZE } from '../../protocol/limits.ts'
import type { User } from '../../protocol/users/entities.ts'
import type { Actor } from '../actor.ts'
import type { Config } from '../config/config.ts'
import { ObjectId } from '../database/object-id.ts'
import { emailKey, mayBePhone, parsePhone } from '../identifiers.ts'
import { userId } from '../ids.ts'
import { type Budgets, WEIGHT } from '../limits/budgets.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { cutPage } from '../page.ts'
import type { BlockStore } from './blocks/store.ts'
import type { ContactStore } from './contacts/store.ts'
import type { LookUps } from './look-ups.ts'
import { presentUser } from './profiles.ts'
import type { UserDoc, UserStore } from './store.ts'
import type { Visibility } from './visibility.ts'

interface DirectoryDeps {
  readonly store: { readonly users: UserStore; readonly blocks: BlockStore; readonly contacts: ContactStore }
  readonly visibility: Pick<Visibility, 'findAll'>
  readonly lookUps: LookUps
  readonly config: Pick<Config, 'USER_DIRECTORY'>
  readonly budgets: Budgets
}

/** People who are left out of a search by the database itself. */
const MAX_EXCEPT = 1_000
const EMAIL = /^[^\s@]+@[^\s@]+$/
/** People that numbered pages reach. */
const MAX_NUMBERED = 1_000

/** Finding people: by what they are called, or one after the other. */
export class Directory {
  readonly #store: DirectoryDeps['store']
  readonly #visibility: DirectoryDeps['visibility']
  readonly #lookUps: LookUps
  readonly #isOpen: boolean
  readonly #budgets: Budgets

  constructor({ store, visibility, lookUps, config, budgets }: DirectoryDeps) {
    this.#store = store
    this.#visibility = visibility
    this.#lookUps = lookUps
    this.#isOpen = config.USER_DIRECTORY
    this.#budgets = budgets
  }

  /**
   * People by a whole phone number, email or username first, then by the beginning of a username, then of words of
   * names; 50 unless told, of the first page (1) unless told. Neither the actor nor peers blocked either way. A number
   * or an email is one of the look-ups of a day.
   * @throws {AppError} `rate_limited`
   */
  async search(actor: Pick<Actor, 'userId'>, text: string, limit = PAGE_SIZE, page = 1): Promise<User[]> {
    const skip = (page - 1) * limit
    if (skip + limit > MAX_NUMBERED) return []
    this.#budgets.spend(actor, WEIGHT.list)
    const byAddress = await this.#byAddress(actor, text)
    const except = await this.#hiddenFrom(actor)
    const byName = await this.#store.users.search(text, skip + limit, except)
    const hidden = new Set(except.map(id => id.toHexString()))
    const found = new Map([...byAddress, ...byName].map(user => [user._id.toHexString(), user]))
    const shown = [...found].flatMap(([id, user]) => (hidden.has(id) ? [] : [user]))
    return await this.#present(actor, shown.slice(skip, skip + limit))
  }

  /**
   * Everybody but the actor and peers blocked either way, in the order of their ids: after somebody, or a
   * numbered page (1 is the first one). Where there is no directory of everybody, those of them who are contacts.
   * @throws {AppError} `rate_limited`
   */
  async list(
    actor: Pick<Actor, 'userId'>,
    { limit = PAGE_SIZE, after, page: number = 1 }: { limit?: number; after?: string; page?: number } = {}
  ) {
    const skip = (number - 1) * limit
    if (skip + limit > MAX_NUMBERED) return { users: [] }
    this.#budgets.spend(actor, WEIGHT.list)
    const from = { skip, ...omitUndefined({ after: after === undefined ? undefined : new ObjectId(bareId(after)) }) }
    const rows = this.#isOpen
      ? await this.#store.users.page(limit + 1, { ...from, except: await this.#hiddenFrom(actor) })
      : await this.#contacts(actor, limit + 1, from)
    const { page, last } = cutPage(rows, limit)
    const users = await this.#present(actor, page)
    return {
      users,
      ...omitUndefined({ next: last && userId(last._id) })
    }
  }

  async #contacts(
    actor: Pick<Actor, 'userId'>,
    limit: number,
    { skip, after }: { skip: number; after?: ObjectId }
  ): Promise<UserDoc[]> {
    const { contacts, users } = this.#store
    const rows = await contacts.page(new ObjectId(actor.userId), { limit: skip + limit, ...omitUndefined({ after }) })
    const found = await users.findMany(rows.slice(skip).map(({ contactId }) => contactId))
    const enabled = found.filter(({ isDisabled }) => !isDisabled)
    return enabled.sort((a, b) => (a._id.toHexString() < b._id.toHexString() ? -1 : 1))
  }

  async #byAddress(actor: Pick<Actor, 'userId'>, text: string): Promise<UserDoc[]> {
    const email = EMAIL.test(text.trim()) ? emailKey(text.trim()) : undefined
    const phone = email === undefined && mayBePhone(text) ? await this.#phoneIn(actor, text) : undefined
    if (email === undefined && phone === undefined) return []
    await this.#lookUps.count(actor)
    return phone === undefined
      ? await this.#lookUps.findByEmail(actor, email ?? '')
      : await this.#lookUps.findByPhones(actor, [phone])
  }

  async #phoneIn(actor: Pick<Actor, 'userId'>, text: string): Promise<string | undefined> {
    return await parsePhone(text, await this.#lookUps.regionOf(actor))
  }

  /** Profiles as the actor may see them, of those who are not blocked either way. */
  async #present(actor: Pick<Actor, 'userId'>, users: readonly UserDoc[]): Promise<User[]> {
    const ids = users.map(({ _id }) => _id.toHexString())
    const visibilities = await this.#visibility.findAll(actor.userId, ids)
    return users.flatMap((user, index) => {
      const visibility = visibilities.get(ids[index] ?? '')
      return visibility === undefined || visibility.isBlocked ? [] : [presentUser(user, visibility)]
    })
  }

  /** People left out of every list: the actor, and peers blocked either way. */
  async #hiddenFrom({ userId: id }: Pick<Actor, 'userId'>): Promise<ObjectId[]> {
    const me = new ObjectId(id)
    return [me, ...(await this.#store.blocks.blockedPeers(me, MAX_EXCEPT))].slice(0, MAX_EXCEPT)
  }
}
