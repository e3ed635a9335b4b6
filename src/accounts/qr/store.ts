import type { Collection, Db, Filter, IndexDescription, ObjectId } from 'mongodb'
import { sha256Of } from '../tokens/secrets.ts'
import type { StoredProof } from './device-proof.ts'

/** Person with a session, or with a token of another system. */
export interface QrPerson {
  userId: ObjectId
  sessionId?: ObjectId
  /** End of the foreign token that approved: the new session ends with it. */
  tokenExpiresAt?: Date
}

/** A device that wants to be signed in. */
export interface QrDevice {
  id: string
  platform?: string
  name?: string
}

/** A code to sign in with. Its token is nowhere. */
export interface QrLoginDoc {
  _id: ObjectId
  /** SHA-256. */
  tokenHash: string
  /** Maker of the code; absent when the device that is to be signed in made it. */
  makerId?: ObjectId
  /** The only device that it signs in; absent until one has presented a code that a person made. */
  device?: QrDevice
  /** Evidence that it is that device; there with it. */
  proof?: StoredProof
  matchCode: string
  /** Number of confirmations with a wrong match code. */
  mismatches: number
  status: 'pending' | 'scanned' | 'approved' | 'refused' | 'used'
  /** Person who approved or refused it. */
  decidedBy?: QrPerson
  createdAt: Date
  expiresAt: Date
}

const MAX_MISMATCHES = 3

/**
 * Codes to sign a device in by a picture. Each change of state is one atomic write that names the state before it, so
 * that of several at once one happens.
 */
export class QrLoginStore {
  static readonly indexes: IndexDescription[] = [
    { key: { tokenHash: 1 }, unique: true }, // every query
    { key: { expiresAt: 1 }, expireAfterSeconds: 0 } // removed by the database
  ]

  readonly #codes: Collection<QrLoginDoc>

  constructor(db: Db) {
    this.#codes = db.collection('qrLogins')
  }

  async insert(token: string, code: Omit<QrLoginDoc, 'tokenHash'>): Promise<void> {
    await this.#codes.insertOne({ ...code, tokenHash: sha256Of(token) })
  }

  /** Codes in any state, in the order of their tokens, also expired ones that the database has not yet removed. */
  async findAll(tokens: readonly string[]): Promise<(QrLoginDoc | undefined)[]> {
    const hashes = tokens.map(sha256Of)
    const found = await this.#codes.find({ tokenHash: { $in: hashes } }).toArray()
    const byHash = new Map(found.map(code => [code.tokenHash, code]))
    return hashes.map(it => byHash.get(it))
  }

  /** Binds a code that a person made to the first device that presents it. */
  async scan(token: string, device: QrDevice, proof: StoredProof, now: Date): Promise<QrLoginDoc | null> {
    return await this.#change(
      token,
      { status: 'pending', makerId: { $exists: true }, expiresAt: { $gt: now } },
      { status: 'scanned', device, proof }
    )
  }

  /** Approves, for the person given, a code whose device is known; one that a person made only for that person. */
  async approve(token: string, person: QrPerson, matchCode: string, now: Date): Promise<QrLoginDoc | null> {
    return await this.#change(
      token,
      {
        $or: [
          { status: 'pending', makerId: { $exists: false } },
          { status: 'scanned', makerId: person.userId }
        ],
        matchCode,
        expiresAt: { $gt: now }
      },
      { status: 'approved', decidedBy: person }
    )
  }

  /** Refuses a code that is not used yet: its maker, who approved it, or anybody whom its device showed it to. */
  async refuse(token: string, person: QrPerson, now: Date): Promise<QrLoginDoc | null> {
    return await this.#change(
      token,
      {
        $or: [
          { status: 'pending', makerId: { $exists: false } },
          { status: { $in: ['pending', 'scanned'] }, makerId: person.userId },
          { status: 'approved', 'decidedBy.userId': person.userId }
        ],
        expiresAt: { $gt: now }
      },
      { status: 'refused', decidedBy: person }
    )
  }

  /** Refuses a code that is not used yet, whoever has approved it. */
  async end(token: string): Promise<QrLoginDoc | null> {
    return await this.#change(token, { status: { $in: ['pending', 'scanned', 'approved'] } }, { status: 'refused' })
  }

  /** Uses an approved code up. */
  async use(token: string, deviceId: string, now: Date): Promise<QrLoginDoc | null> {
    return await this.#change(
      token,
      { status: 'approved', 'device.id': deviceId, expiresAt: { $gt: now } },
      { status: 'used' }
    )
  }

  /** Counts a wrong match code; the third refuses the code. */
  async mismatch(token: string): Promise<void> {
    const tokenHash = sha256Of(token)
    await this.#codes.updateOne({ tokenHash }, { $inc: { mismatches: 1 } })
    await this.#codes.updateOne(
      { tokenHash, mismatches: { $gte: MAX_MISMATCHES }, status: { $in: ['pending', 'scanned'] } },
      { $set: { status: 'refused' } }
    )
  }

  /** @returns the code as changed; `null` when it was not in that state */
  async #change(token: string, from: Filter<QrLoginDoc>, to: Partial<QrLoginDoc>): Promise<QrLoginDoc | null> {
    return await this.#codes.findOneAndUpdate(
      { tokenHash: sha256Of(token), ...from },
      { $set: to },
      { returnDocument: 'after' }
    )
  }
}
