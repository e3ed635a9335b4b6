import type { Migrations } from '../database/index.ts'

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
  }
}
