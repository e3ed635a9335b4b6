import type { Collection, Db, IndexDescription } from 'mongodb'

/** The one code of a purpose and an identifier that is valid. */
interface OtpDoc {
  /** Purpose and identifier. */
  _id: string
  /** A keyed digest; the code itself is nowhere. */
  digest: string
  tries: number
  expiresAt: Date
}

const MAX_TRIES = 5

/** Stored codes, one for each purpose and identifier. All queries are by `_id`. */
export class OtpStore {
  static readonly indexes: IndexDescription[] = [
    { key: { expiresAt: 1 }, expireAfterSeconds: 0 } // removed by the database
  ]

  readonly #otps: Collection<OtpDoc>

  constructor(db: Db) {
    this.#otps = db.collection('otps')
  }

  /** Puts a code in the place of the one before, with no tries counted. */
  async replace(_id: string, digest: string, expiresAt: Date): Promise<void> {
    await this.#otps.updateOne({ _id }, { $set: { digest, tries: 0, expiresAt } }, { upsert: true })
  }

  /** Counts a try. @returns the digest to compare with; `undefined` when there is no code, or no try left */
  async countTry(_id: string, now: Date): Promise<string | undefined> {
    const otp = await this.#otps.findOneAndUpdate(
      { _id, tries: { $lt: MAX_TRIES }, expiresAt: { $gt: now } },
      { $inc: { tries: 1 } }
    )
    return otp?.digest
  }

  /** Uses a code up. @returns whether this call did, of all that were made at once */
  async take(_id: string, digest: string): Promise<boolean> {
    const { deletedCount } = await this.#otps.deleteOne({ _id, digest })
    return deletedCount === 1
  }
}
