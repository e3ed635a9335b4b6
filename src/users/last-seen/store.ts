import type { Collection, Db, ObjectId } from 'mongodb'
import { Batcher } from '../../limits/batcher.ts'
import type { UserDoc } from '../store.ts'

interface Sighting {
  readonly _id: ObjectId
  readonly lastSeenAt: Date
}

/** People who are written with one command. */
const WRITTEN_TOGETHER = 500

/** Last-seen times, kept with the profiles. All queries are by `_id`. */
export class LastSeenStore {
  readonly #users: Collection<UserDoc>
  readonly #sightings = new Batcher<Sighting, void>(async sightings => {
    const updates = sightings.map(({ _id, lastSeenAt }) => ({
      updateOne: { filter: { _id }, update: { $max: { lastSeenAt } } }
    }))
    await this.#users.bulkWrite(updates, { ordered: false })
    return sightings.map(() => undefined)
  }, WRITTEN_TOGETHER)

  constructor(db: Db) {
    this.#users = db.collection('users')
  }

  /** Keeps when somebody was seen: their first connection came, or their last one ended. Many may at once. */
  async set(_id: ObjectId, lastSeenAt: Date): Promise<void> {
    await this.#sightings.add({ _id, lastSeenAt })
  }

  /** Keeps that people are seen at a moment, however many they are. */
  async setAll(ids: readonly ObjectId[], lastSeenAt: Date): Promise<void> {
    for (let start = 0; start < ids.length; start += WRITTEN_TOGETHER) {
      const _id = { $in: ids.slice(start, start + WRITTEN_TOGETHER) }
      await this.#users.updateMany({ _id }, { $max: { lastSeenAt } })
    }
  }

  /** Last-seen times of the given who ever were seen, by id (hex). */
  async findByUsers(ids: readonly ObjectId[]): Promise<Map<string, Date>> {
    if (ids.length === 0) return new Map()
    const users = await this.#users.find({ _id: { $in: [...ids] } }, { projection: { lastSeenAt: 1 } }).toArray()
    return new Map(users.flatMap(({ _id, lastSeenAt }) => (lastSeenAt ? [[_id.toHexString(), lastSeenAt]] : [])))
  }
}
