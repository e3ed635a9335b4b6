import type { ClientSession, Collection, Db, IndexDescription, ObjectId } from 'mongodb'
import { PROFILE, refuseTaken, type UserDoc } from '../store.ts'
import { type Address, unverified, verified } from './address.ts'

const present = (field: string): IndexDescription => ({
  key: { [field]: 1 },
  partialFilterExpression: { [field]: { $exists: true } }
})

/** Phone numbers and emails, kept with their people: proved, or only said to be theirs. */
export class AddressStore {
  /** Indexes of the users. */
  static readonly indexes: IndexDescription[] = [
    present('unverifiedPhone'), // forget
    present('unverifiedEmail') // forget
  ]

  readonly #users: Collection<UserDoc>

  constructor(db: Db) {
    this.#users = db.collection('users')
  }

  /** Keeps an address that nobody has proved, in the place of the one before, inside a transaction. */
  async note(_id: ObjectId, address: Address, session: ClientSession): Promise<UserDoc | null> {
    return await this.#users.findOneAndUpdate(
      { _id },
      { $set: unverified(address) },
      { session, returnDocument: 'after', projection: PROFILE }
    )
  }

  /**
   * Keeps that an address is theirs, in the place of the one before, inside a transaction.
   * @returns the person as changed
   * @throws {AppError} `conflict` when somebody else has proved it
   */
  async verify(_id: ObjectId, address: Address, session: ClientSession): Promise<UserDoc | null> {
    return await refuseTaken(
      this.#users.findOneAndUpdate(
        { _id },
        { $set: verified(address, new Date()), $unset: blank(unverified(address)) },
        { session, returnDocument: 'after', projection: PROFILE }
      )
    )
  }

  /** Takes an address that somebody has proved from those who only say that it is theirs. */
  async forget(address: Address): Promise<void> {
    const note = unverified(address)
    await this.#users.updateMany(note, { $unset: blank(note) })
  }
}

/** The fields of an object as `$unset` names them. */
function blank(fields: object): Record<string, ''> {
  return Object.fromEntries(Object.keys(fields).map(name => [name, '']))
}
