import type { Migrations } from '../database/index.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { searchTokens } from '../search-words.ts'
import type { UserDoc } from './store.ts'

/** People that are written with one command. */
const WRITTEN_TOGETHER = 500

const there = (field: string) => ({ $ne: [{ $type: field }, 'missing'] })
/** Proved was the account: which of two addresses that meant, nobody knows. */
const isSure = { $and: [{ $eq: ['$isVerified', true] }, { $ne: [there('$phone'), there('$email')] }] }
const kept = (value: string, condition: object) => ({ $cond: [condition, value, '$$REMOVE'] })

/** Changes of stored people by newer versions. */
export const userMigrations: Migrations = {
  /**
   * Proof belonged to the account, and now belongs to the address. What is proved beyond doubt stays an address of
   * theirs; the rest becomes what they only say is theirs. Sessions go on, so that they can prove it again.
   */
  'proof-by-address': async db => {
    const isOld = (address: string, verifiedAt: string) => ({
      [address]: { $exists: true },
      [verifiedAt]: { $exists: false }
    })
    await db.collection('users').updateMany(
      {
        $or: [isOld('phone', 'phoneVerifiedAt'), isOld('email', 'emailVerifiedAt'), { isVerified: { $exists: true } }]
      },
      [
        {
          $set: {
            phoneVerifiedAt: kept('$createdAt', { $and: [there('$phone'), isSure] }),
            emailVerifiedAt: kept('$createdAt', { $and: [there('$email'), isSure] }),
            unverifiedPhone: kept('$phone', { $and: [there('$phone'), { $not: isSure }] }),
            unverifiedEmail: kept('$email', { $and: [there('$email'), { $not: isSure }] })
          }
        },
        {
          $set: {
            phone: kept('$phone', there('$phoneVerifiedAt')),
            email: kept('$email', there('$emailVerifiedAt'))
          }
        },
        { $unset: 'isVerified' }
      ]
    )
  },
  /** Names are found by more of their spellings: what they are found by is written anew. */
  'search-by-spelling': async db => {
    const users = db.collection<UserDoc>('users')
    const names = users.find({}, { projection: { username: 1, displayName: 1 }, batchSize: WRITTEN_TOGETHER })
    const writes: Parameters<typeof users.bulkWrite>[0][number][] = []
    const write = async () => {
      if (writes.length > 0) await users.bulkWrite(writes.splice(0), { ordered: false })
    }
    for await (const { _id, username, displayName } of names) {
      const tokens = searchTokens({ displayName, ...omitUndefined({ username }) })
      // Who changes their name meanwhile does this by themself.
      const filter = { _id, displayName, username: username ?? { $exists: false } }
      writes.push({ updateOne: { filter, update: { $set: { searchTokens: tokens } } } })
      if (writes.length === WRITTEN_TOGETHER) await write()
    }
    await write()
  }
}
