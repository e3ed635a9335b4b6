import { type ClientSession, type Collection, type Db, type IndexDescription, ObjectId } from 'mongodb'
import type { ContactSource } from '../../../protocol/users/entities.ts'
import { omitUndefined } from '../../omit-undefined.ts'

/** `contactId` is among the contacts of `ownerId`. */
export interface ContactDoc {
  _id: ObjectId
  ownerId: ObjectId
  contactId: ObjectId
  /** As the owner calls them. */
  name?: string
  source: ContactSource
  createdAt: Date
}

/** A contact to be kept; without a name the one they have stays. */
export type NewContact = Pick<ContactDoc, 'ownerId' | 'contactId' | 'name' | 'source'>

/** Contacts, by owner. */
export class ContactStore {
  static readonly indexes: IndexDescription[] = [
    { key: { ownerId: 1, contactId: 1 }, unique: true }, // put, remove, page, ownersAmong, contactsAmong, between
    { key: { ownerId: 1, source: 1, contactId: 1 } } // page of one source
  ]

  readonly #contacts: Collection<ContactDoc>

  constructor(db: Db) {
    this.#contacts = db.collection('contacts')
  }

  /** Keeps contacts; an accepted request or an own choice counts more than an address book. */
  async put(contacts: readonly NewContact[], session: ClientSession): Promise<void> {
    if (contacts.length === 0) return
    await this.#contacts.bulkWrite(contacts.map(putOne), { session, ordered: false })
  }

  async remove(ownerId: ObjectId, contactId: ObjectId, session: ClientSession): Promise<void> {
    await this.#contacts.deleteOne({ ownerId, contactId }, { session })
  }

  async count(ownerId: ObjectId): Promise<number> {
    return await this.#contacts.countDocuments({ ownerId })
  }

  /** People of `owners` who have a person among their contacts. */
  async ownersAmong(contactId: ObjectId, owners: readonly ObjectId[]): Promise<ObjectId[]> {
    const rows = await this.#contacts.find({ ownerId: { $in: [...owners] }, contactId }).toArray()
    return rows.map(({ ownerId }) => ownerId)
  }

  /** People of `ids` who are contacts of a person. */
  async contactsAmong(ownerId: ObjectId, ids: readonly ObjectId[]): Promise<ContactDoc[]> {
    return await this.#contacts.find({ ownerId, contactId: { $in: [...ids] } }).toArray()
  }

  /** Contacts between a person and people of `ids`, either way. */
  async between(id: ObjectId, ids: readonly ObjectId[]): Promise<ContactDoc[]> {
    const others = { $in: [...ids] }
    return await this.#contacts
      .find({
        $or: [
          { ownerId: id, contactId: others },
          { ownerId: others, contactId: id }
        ]
      })
      .toArray()
  }

  /** Contacts in the order of their ids. */
  async page(
    ownerId: ObjectId,
    { limit, after, source }: { limit: number; after?: ObjectId; source?: ContactSource }
  ): Promise<ContactDoc[]> {
    const filter = {
      ownerId,
      ...omitUndefined({ source, contactId: after && { $gt: after } })
    }
    return await this.#contacts.find(filter, { sort: { contactId: 1 }, limit }).toArray()
  }
}

function putOne({ ownerId, contactId, name, source }: NewContact) {
  const isBook = source === 'sync'
  const $set = omitUndefined({ name, source: isBook ? undefined : source })
  return {
    updateOne: {
      filter: { ownerId, contactId },
      update: {
        ...omitUndefined({ $set: Object.keys($set).length > 0 ? $set : undefined }),
        $setOnInsert: {
          _id: new ObjectId(),
          createdAt: new Date(),
          ...omitUndefined({ source: isBook ? source : undefined })
        }
      },
      upsert: true
    }
  }
}
