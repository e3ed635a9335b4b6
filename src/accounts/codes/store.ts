import type { Collection, Db, IndexDescription } from 'mongodb'

/** A code that is valid. */
interface OtpDoc {
  /** Id of the request for it; random. */
  _id: string
  /** Purpose and identifier. */
  use: string
  /** A keyed digest; the code itself is nowhere. */
  digest: string
  /** A keyed digest of the network that asked for it. */
  network: string
  /** Tries with the id of the request. */
  tries: number
  expiresAt: Date
}

/** Bound of the codes of one use that are read: the limits of requests let fewer live at once. */
const MAX_LIVE = 100

/** Stored codes, one for each request. */
export class OtpStore {
  static readonly indexes: IndexDescription[] = [
    { key: { expiresAt: 1 }, expireAfterSeconds: 0 }, // removed by the database
    { key: { use: 1, expiresAt: -1 } } // findLive: newest first
  ]

  readonly #otps: Collection<OtpDoc>

  constructor(db: Db) {
    this.#otps = db.collection('otps')
  }

  /** Adds a code, with no tries counted. */
  async insert(otp: Omit<OtpDoc, 'tries'>): Promise<void> {
    await this.#otps.insertOne({ ...otp, tries: 0 })
  }

  /** Counts a try of a request's code. @returns its digest; `undefined` when there is no code, or no try left */
  async countTry({ _id, use }: Pick<OtpDoc, '_id' | 'use'>, maxTries: number, now: Date): Promise<string | undefined> {
    const otp = await this.#otps.findOneAndUpdate(
      { _id, use, tries: { $lt: maxTries }, expiresAt: { $gt: now } },
      { $inc: { tries: 1 } }
    )
    return otp?.digest
  }

  /** Gives back a try that was right. */
  async giveBackTry(_id: string): Promise<void> {
    await this.#otps.updateOne({ _id }, { $inc: { tries: -1 } })
  }

  /** Codes of a use that have not expired, newest first. */
  async findLive(use: string, now: Date): Promise<OtpDoc[]> {
    const live = { use, expiresAt: { $gt: now } }
    return await this.#otps.find(live, { sort: { expiresAt: -1 }, limit: MAX_LIVE }).toArray()
  }

  /** Uses a code up. @returns whether this call did, of all that were made at once */
  async take(_id: string): Promise<boolean> {
    const { deletedCount } = await this.#otps.deleteOne({ _id })
    return deletedCount === 1
  }
}
