import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { SessionService } from '../sessions/sessions.ts'
import { MacTokens } from '../tokens/mac-tokens.ts'
import type { TicketHolder, TicketStore } from './store.ts'

interface TicketDeps {
  readonly store: { readonly tickets: TicketStore }
  readonly config: Pick<Config, 'timings'> & { readonly JWT_SECRET: readonly string[] }
  readonly sessions: Pick<SessionService, 'requireLiveSession'>
}

/**
 * Tickets for clients that cannot set headers. Each opens one connection within seconds. The client of an event stream
 * comes back by itself with the same address: its ticket continues this stream, for minutes after it was cut, for who
 * shows an id of its events, and with it the proof that they hold.
 */
export class TicketService {
  readonly #tickets: TicketStore
  readonly #timings: Config['timings']
  readonly #sessions: TicketDeps['sessions']
  readonly #macs: MacTokens

  constructor({ store, config, sessions }: TicketDeps) {
    this.#tickets = store.tickets
    this.#timings = config.timings
    this.#sessions = sessions
    this.#macs = new MacTokens(config.JWT_SECRET, 'ticket')
  }

  /** A ticket that opens one connection as the actor, within seconds. */
  async create(actor: Actor): Promise<{ ticket: string; expiresAt: string }> {
    const expiresAt = new Date(Date.now() + this.#timings.ticketMs)
    const ticket = this.#macs.make(expiresAt)
    const holder = {
      userId: new ObjectId(actor.userId),
      ...omitUndefined({
        sessionId: actor.sessionId === undefined ? undefined : new ObjectId(actor.sessionId),
        tokenId: actor.tokenId
      }),
      tokenExpiresAt: new Date(actor.expiresAt)
    }
    await this.#tickets.insert(ticket, holder, expiresAt)
    return { ticket, expiresAt: expiresAt.toISOString() }
  }

  /** Uses a ticket up. @throws {AppError} `unauthenticated`, `token_expired`, `session_revoked`, `account_disabled` */
  async redeem(ticket: string): Promise<Actor> {
    const isLive = this.#macs.expiryOf(ticket) > Date.now()
    return await this.#actorOf(isLive ? await this.#tickets.take(ticket, new Date()) : null)
  }

  /**
   * Opens a stream by a ticket, or continues the one that it has opened.
   * @param proof that an id of this stream's events held, if one is shown
   * @throws {AppError} `unauthenticated`, `token_expired`, `session_revoked`, `account_disabled`
   */
  async redeemForStream(ticket: string, proof: string | undefined): Promise<Actor> {
    const now = new Date()
    const isLive = this.#macs.expiryOf(ticket) > now.getTime()
    const opened = isLive ? await this.#tickets.begin(ticket, now, this.#keptUntil()) : null
    if (opened !== null) return await this.#actorOf(opened)
    const mayGoOn = proof !== undefined && this.#macs.isProof(ticket, proof)
    return await this.#actorOf(mayGoOn ? await this.#tickets.findBegun(ticket, now) : null)
  }

  /** Proof that the ids of a stream's events hold, which this ticket has opened. */
  proofOf(ticket: string): string {
    return this.#macs.proofOf(ticket)
  }

  /** Lets tickets continue their streams for minutes from now. */
  async keep(tickets: readonly string[]): Promise<void> {
    if (tickets.length > 0) await this.#tickets.keep(tickets, this.#keptUntil())
  }

  #keptUntil(): Date {
    return new Date(Date.now() + this.#timings.streamTicketMs)
  }

  async #actorOf(holder: TicketHolder | null): Promise<Actor> {
    if (holder === null) throw new AppError('unauthenticated', 'The ticket is not valid')
    const actor: Actor = {
      userId: holder.userId.toHexString(),
      ...omitUndefined({ sessionId: holder.sessionId?.toHexString(), tokenId: holder.tokenId }),
      expiresAt: holder.tokenExpiresAt.getTime()
    }
    if (actor.expiresAt <= Date.now()) throw new AppError('token_expired', 'The token of the ticket has ended')
    await this.#sessions.requireLiveSession(actor)
    return actor
  }
}
