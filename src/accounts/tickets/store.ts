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
  /** Whether it has opened an event stream, which it may continue. */
  isBegun?: boolean
}

/** Tickets that open one connection each. */
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
    const found = await this.#tickets.findOneAndDelete({ _id: sha256Of(ticket), isBegun: { $exists: false } })
    return found && found.expiresAt > now ? found : null
  }

  /** Uses a ticket for a stream, which it may continue until a time. */
  async begin(ticket: string, now: Date, until: Date): Promise<TicketHolder | null> {
    return await this.#tickets.findOneAndUpdate(
      { _id: sha256Of(ticket), isBegun: { $exists: false }, expiresAt: { $gt: now } },
      { $set: { isBegun: true, expiresAt: until } }
    )
  }

  /** Finds whose stream a ticket has opened, as long as it may continue that. */
  async findBegun(ticket: string, now: Date): Promise<TicketHolder | null> {
    return await this.#tickets.findOne({ _id: sha256Of(ticket), isBegun: true, expiresAt: { $gt: now } })
  }

  /** Lets tickets continue their streams until a time. */
  async keep(tickets: readonly string[], until: Date): Promise<void> {
    const ids = tickets.map(sha256Of)
    await this.#tickets.updateMany({ _id: { $in: ids }, isBegun: true }, { $max: { expiresAt: until } })
  }
}
