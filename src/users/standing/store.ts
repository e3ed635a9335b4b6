import type { Collection, Db, IndexDescription, ObjectId } from 'mongodb'
import type { Role, UserDoc } from '../store.ts'

/** Decisions of operators about people: whose account is disabled, and who is an admin. Kept with the people. */
export class StandingStore {
  /** Indexes of the users. */
  static readonly indexes: IndexDescription[] = [
    { key: { disabledAt: 1 }, partialFilterExpression: { disabledAt: { $exists: true } } } // disabledSince
  ]

  readonly #users: Collection<UserDoc>

  constructor(db: Db) {
    this.#users = db.collection('users')
  }

  /** @returns whether there is such a person */
  async disable(_id: ObjectId): Promise<boolean> {
    const update = { $set: { isDisabled: true }, $currentDate: { disabledAt: true } } as const
    return (await this.#users.updateOne({ _id }, update)).matchedCount === 1
  }

  /** @returns whether there is such a person */
  async enable(_id: ObjectId): Promise<boolean> {
    const update = { $unset: { isDisabled: true, disabledAt: true } } as const
    return (await this.#users.updateOne({ _id }, update)).matchedCount === 1
  }

  /** Gives a role, or with `undefined` takes it away. @returns whether there is such a person */
  async setRole(_id: ObjectId, role: Role | undefined): Promise<boolean> {
    const update = role === undefined ? { $unset: { role: true as const } } : { $set: { role } }
    return (await this.#users.updateOne({ _id }, update)).matchedCount === 1
  }

  /** Ids (hex) of the people disabled since a moment of the database's clock, by whatever process. */
  async disabledSince(moment: Date): Promise<string[]> {
    const disabled = await this.#users
      .find({ disabledAt: { $gt: moment } }, { hint: { disabledAt: 1 } })
      .project<{ _id: ObjectId }>({ _id: 1 })
      .toArray()
    return disabled.map(({ _id }) => _id.toHexString())
  }
}
