import type { Collection, Db, IndexDescription, ObjectId } from 'mongodb'
import { sha256Of } from '../tokens/secrets.ts'

/** Whom a ticket stands for. */
export interface TicketHolder {
  userId: ObjectId
  sessionId?: ObjectId
  /** Of a token of an existing user system. */
  tokenId?: string
  /** End of the token that the ticket was got with. */
  tokenExpiresAt: Date
}

interface TicketDoc extends TicketHolder {
  /** SHA-256 of the ticket; the ticket itself is nowhere. */
  _id: string
  expiresAt: Date
}

/** Tickets that open one socket each. */
export class TicketStore {
  static readonly indexes: IndexDescription[] = [
    { key: { expiresAt: 1 }, expireAfterSeconds: 0 } // removed by the database
  ]

  readonly #tickets: Collection<TicketDoc>

  constructor(db: Db) {
    this.#tickets = db.collection('tickets')
  }

  async insert(ticket: string, holder: TicketHolder, expiresAt: Date): Promise<void> {
    await this.#tickets.insertOne({ _id: sha256Of(ticket), ...holder, expiresAt })
  }

  /** Uses a ticket up, whoever asks first. The database may not yet have removed an expired one. */
  async take(ticket: string, now: Date): Promise<TicketHolder | null> {
    const found = await this.#tickets.findOneAndDelete({ _id: sha256Of(ticket) })
    return found && found.expiresAt > now ? found : null
  }
}
