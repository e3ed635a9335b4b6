import type { Actor } from '../actor.ts'
import type { Config } from '../config/config.ts'
import { ObjectId } from '../database/object-id.ts'
import { countryOf } from '../identifiers.ts'
import { Counters } from '../limits/counters.ts'
import type { ContactStore } from './contacts/store.ts'
import { DEFAULT_SETTINGS } from './settings/settings.ts'
import type { SettingsStore } from './settings/store.ts'
import type { UserDoc, UserStore } from './store.ts'
import { allows } from './visibility.ts'

interface LookUpDeps {
  readonly store: {
    readonly users: UserStore
    readonly contacts: ContactStore
    readonly settings: SettingsStore
  }
  readonly config: Pick<Config, 'limits' | 'DEFAULT_REGION'>
}

const DAY_MS = 24 * 3_600_000
/** Numbers that are looked up with one query. */
const LOOKED_UP_TOGETHER = 1_000

/**
 * Finding people by a whole phone number or email, which is counted whatever path it takes, and as far as they let
 * themselves be found.
 */
export class LookUps {
  readonly #store: LookUpDeps['store']
  readonly #counters: Counters
  readonly #region: string | undefined

  constructor({ store, config }: LookUpDeps) {
    this.#store = store
    this.#region = config.DEFAULT_REGION
    this.#counters = new Counters({
      limit: config.limits.contactNumbersPerDay,
      windowMs: DAY_MS,
      message: 'Too many numbers for one day'
    })
  }

  /** Counts look-ups, before they are made. @throws {AppError} `rate_limited` beyond those of a day */
  async count({ userId }: Pick<Actor, 'userId'>, amount = 1): Promise<void> {
    await this.#counters.take(userId, amount)
  }

  /**
   * Region of the numbers that the actor writes without a country: that of their own proved number, as in the address
   * book of their phone; without one the region of the server.
   */
  async regionOf({ userId }: Pick<Actor, 'userId'>): Promise<string | undefined> {
    const phone = (await this.#store.users.find(new ObjectId(userId)))?.phone
    return phone === undefined ? this.#region : await countryOf(phone)
  }

  /** Enabled people who have one of the given numbers (E.164) and let the actor find them by it. */
  async findByPhones(actor: Pick<Actor, 'userId'>, phones: readonly string[]): Promise<UserDoc[]> {
    const found: UserDoc[] = []
    for (let start = 0; start < phones.length; start += LOOKED_UP_TOGETHER) {
      const people = await this.#store.users.findByPhones(phones.slice(start, start + LOOKED_UP_TOGETHER))
      found.push(...(await this.#findable(actor, people, 'findByPhone')))
    }
    return found
  }

  /** The enabled person who has an email, as it is kept, and lets the actor find them by it. */
  async findByEmail(actor: Pick<Actor, 'userId'>, email: string): Promise<UserDoc[]> {
    return await this.#findable(actor, await this.#store.users.findByEmail(email), 'findByEmail')
  }

  async #findable(
    { userId }: Pick<Actor, 'userId'>,
    people: readonly UserDoc[],
    by: 'findByPhone' | 'findByEmail'
  ): Promise<UserDoc[]> {
    if (people.length === 0) return []
    const ids = people.map(({ _id }) => _id)
    const rows = await this.#store.settings.findMany(ids)
    const audiences = new Map(rows.map(({ userId: id, privacy }) => [id.toHexString(), privacy?.[by]]))
    const isForContacts = [...audiences.values()].includes('contacts')
    const known = isForContacts ? await this.#store.contacts.between(new ObjectId(userId), ids) : []
    const knowing = new Set(known.map(({ ownerId }) => ownerId.toHexString()))
    return people.filter(({ _id }) => {
      const id = _id.toHexString()
      const audience = audiences.get(id) ?? DEFAULT_SETTINGS.privacy[by]
      return id === userId || allows(audience, knowing.has(id))
    })
  }
}
