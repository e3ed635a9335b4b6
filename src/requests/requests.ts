import { bareId } from '../../protocol/ids.ts'
import type { UserEvent } from '../../protocol/index.ts'
import { PAGE_SIZE } from '../../protocol/limits.ts'
import type { PersonRequest, RequestStatus } from '../../protocol/requests/entities.ts'
import { RequestNew, RequestUpdated } from '../../protocol/requests/events.ts'
import type { NewRequest, RequestPage, RequestQuery } from '../../protocol/requests/routes.ts'
import type { Actor } from '../actor.ts'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import type { ConversationService } from '../conversations/index.ts'
import { isDuplicate } from '../database/duplicates.ts'
import type { ClientSession } from '../database/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { pairKeyOf } from '../ids.ts'
import { Counters } from '../limits/counters.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { cutPage } from '../page.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { AccountStore } from '../streams/store.ts'
import { requirePlainText } from '../text.ts'
import type { BlockService, ContactStore, FriendshipStore, UserService } from '../users/index.ts'
import { OvertakenError } from './overtaken.ts'
import { presentRequest, requestId } from './present.ts'
import type { Pair, RequestDoc, RequestStore } from './store.ts'

interface RequestDeps {
  store: {
    readonly accounts: AccountStore
    readonly contacts: ContactStore
    readonly conversations: ConversationStore
    readonly friendships: FriendshipStore
    readonly requests: RequestStore
  }
  bus: Bus
  config: Pick<Config, 'limits'>
  users: Pick<UserService, 'requireUsers'>
  blocks: Pick<BlockService, 'requireUnblocked'>
  conversations: Pick<ConversationService, 'openAgreed'>
}

const DAY_MS = 24 * 3_600_000
/** Time after a refusal in which the same person may not be asked again, ms. */
const DECLINED_MS = 7 * DAY_MS
/** Times a request may be overtaken by another of the same pair before it gives up. */
const MAX_ROUNDS = 10

/** Requests to talk and to be friends: sending, deciding and listing them. */
export class RequestService {
  readonly #store: RequestDeps['store']
  readonly #bus: Bus
  readonly #users: RequestDeps['users']
  readonly #blocks: RequestDeps['blocks']
  readonly #conversations: RequestDeps['conversations']
  readonly #maxOpen: number
  readonly #sends: Counters

  constructor({ store, bus, config, users, blocks, conversations }: RequestDeps) {
    this.#store = store
    this.#bus = bus
    this.#users = users
    this.#blocks = blocks
    this.#conversations = conversations
    this.#maxOpen = config.limits.openRequests
    this.#sends = new Counters({
      limit: config.limits.requestsPerDay,
      windowMs: DAY_MS,
      message: 'Too many requests for one day'
    })
  }

  /**
   * Asks somebody. A repeat answers the same request; who was asked by the other already accepts that one.
   * @throws {AppError} `invalid` for oneself, `not_found`, `blocked`, `quota_reached`, and `rate_limited` after too
   * many in a day or a decline
   */
  async send(actor: Actor, { kind, to, message }: NewRequest): Promise<PersonRequest> {
    const toId = bareId(to)
    if (toId === actor.userId) throw new AppError('invalid', 'A request needs somebody else')
    await this.#users.requireUsers([toId])
    await this.#blocks.requireUnblocked(actor, [toId])
    const pairKey = pairKeyOf(actor.userId, toId)
    const text = omitUndefined({ message: message === undefined ? undefined : requirePlainText('message', message) })
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const known = await this.#findKnown(actor, pairKey, kind)
      if (known !== undefined) return known
      const request: RequestDoc = {
        _id: new ObjectId(),
        kind,
        pairKey,
        fromId: new ObjectId(actor.userId),
        toId: new ObjectId(toId),
        ...text,
        status: 'open',
        createdAt: new Date()
      }
      await this.#requireMayAsk(request)
      if (await this.#insert(request)) return await this.#present(request)
    }
    throw new AppError('busy', 'Requests of the two keep changing; try again', { retryAfterMs: 1_000 })
  }

  /**
   * Accepts: the two become contacts, friends where that was asked, and have a direct conversation, whose id is
   * answered. A repeat answers the same. @throws {AppError} `not_found`, `forbidden` for the sender, `blocked`, `conflict`
   */
  async accept(actor: Actor, id: string): Promise<PersonRequest> {
    const request = await this.#require(actor, id, 'incoming')
    const fromId = request.fromId.toHexString()
    await this.#users.requireUsers([fromId])
    await this.#blocks.requireUnblocked(actor, [fromId])
    return await this.#accept(actor, request)
  }

  /** Declines; a repeat answers the same. @throws {AppError} `not_found`, `forbidden` for the sender, `conflict` */
  async decline(actor: Actor, id: string): Promise<PersonRequest> {
    return await this.#decide(await this.#require(actor, id, 'incoming'), 'declined')
  }

  /** Takes an own request back; a repeat answers the same. @throws {AppError} `not_found`, `forbidden`, `conflict` */
  async cancel(actor: Actor, id: string): Promise<PersonRequest> {
    return await this.#decide(await this.#require(actor, id, 'outgoing'), 'cancelled')
  }

  /** A request of the actor's, either way. @throws {AppError} `not_found` */
  async get(actor: Actor, id: string): Promise<PersonRequest> {
    return await this.#present(await this.#require(actor, id))
  }

  /** Requests to the actor and by them, newest first. */
  async list(actor: Actor, { limit = PAGE_SIZE, after, ...filter }: RequestQuery = {}): Promise<RequestPage> {
    const from = after === undefined ? undefined : new ObjectId(bareId(after))
    const rows = await this.#store.requests.page(new ObjectId(actor.userId), filter, limit + 1, from)
    const { page, last } = cutPage(rows, limit)
    const requests = await this.present(page)
    return {
      requests,
      ...omitUndefined({ next: last && requestId(last._id) })
    }
  }

  /** Requests among the given ones that the person takes part in, by id (hex). */
  async findByUser(id: ObjectId, ids: readonly ObjectId[]): Promise<Map<string, PersonRequest>> {
    if (ids.length === 0) return new Map()
    const rows = (await this.#store.requests.findMany(ids)).filter(it => it.fromId.equals(id) || it.toId.equals(id))
    return new Map((await this.present(rows)).map(request => [bareId(request.id), request]))
  }

  /** Stored requests as they go on the wire; those accepted with their conversation. */
  async present(rows: readonly RequestDoc[]): Promise<PersonRequest[]> {
    const pairs = rows.filter(({ status }) => status === 'accepted').map(({ pairKey }) => pairKey)
    const docs = pairs.length > 0 ? await this.#store.conversations.findPairs(pairs) : []
    const byPair = new Map(docs.map(({ pairKey, _id }) => [pairKey, _id]))
    return rows.map(row => presentRequest(row, row.status === 'accepted' ? byPair.get(row.pairKey) : undefined))
  }

  /** Find the request that answers a new one of the actor: an open one, or one that still holds. */
  async #findKnown(actor: Actor, pairKey: string, kind: NewRequest['kind']): Promise<PersonRequest | undefined> {
    const open = await this.#store.requests.findOpen(pairKey, kind)
    if (open !== null) {
      return open.toId.toHexString() === actor.userId ? await this.#accept(actor, open) : await this.#present(open)
    }
    const accepted = await this.#findAccepted({ pairKey, kind })
    return accepted === undefined ? undefined : await this.#present(accepted)
  }

  /** Find a request that was accepted and still holds. */
  async #findAccepted(pair: Pair, session?: ClientSession): Promise<RequestDoc | undefined> {
    const accepted = await this.#store.requests.findLast(pair, 'accepted', session)
    if (accepted === null) return undefined
    const holds = pair.kind === 'chat' || (await this.#store.friendships.exists(pair.pairKey, session))
    return holds ? accepted : undefined
  }

  /** @throws {AppError} `rate_limited` after a decline or too many in a day, `quota_reached` */
  async #requireMayAsk(request: RequestDoc): Promise<void> {
    const declined = await this.#findDeclined(request)
    if (declined?.decidedAt !== undefined) {
      const retryAfterMs = Math.max(1, declined.decidedAt.getTime() + DECLINED_MS - Date.now())
      throw new AppError('rate_limited', 'They have declined; ask again later', { retryAfterMs })
    }
    if ((await this.#store.requests.countOpen(request.fromId)) >= this.#maxOpen) {
      throw new AppError('quota_reached', `At most ${this.#maxOpen} requests can be open`)
    }
    await this.#sends.take(request.fromId.toHexString())
  }

  async #findDeclined(request: RequestDoc, session?: ClientSession): Promise<RequestDoc | null> {
    return await this.#store.requests.findDeclined(request, new Date(Date.now() - DECLINED_MS), session)
  }

  /** @returns whether it was the first of its pair and kind that is open, and none was decided meanwhile */
  async #insert(request: RequestDoc): Promise<boolean> {
    const { fromId, toId, _id } = request
    try {
      const revs = await this.#store.accounts.changeAll([fromId, toId], 'request', _id, async session => {
        // Whoever asked and was answered in the same moment has changed both accounts: it is seen here, or comes later.
        const decided = (await this.#findAccepted(request, session)) ?? (await this.#findDeclined(request, session))
        if (decided !== null) throw new OvertakenError(decided)
        await this.#store.requests.insert(request, session)
      })
      this.#emit(revs, RequestNew.create(presentRequest(request)))
      return true
    } catch (error) {
      if (!isDuplicate(error) && !(error instanceof OvertakenError)) throw error
      await this.#sends.giveBack(fromId.toHexString())
      return false
    }
  }

  async #accept(actor: Actor, request: RequestDoc): Promise<PersonRequest> {
    const { fromId, toId, pairKey, kind } = request
    const { row, revs } = await this.#write(request, 'accepted', async session => {
      const one = { ownerId: fromId, contactId: toId, source: 'request' as const }
      await this.#store.contacts.put([one, { ...one, ownerId: toId, contactId: fromId }], session)
      if (kind === 'friend') await this.#store.friendships.insert(pairKey, [fromId, toId], session)
    })
    // Also when it was accepted before: whoever did so may not have come this far.
    await this.#conversations
      .openAgreed(actor, fromId.toHexString() === actor.userId ? toId : fromId)
      .catch(requireParted)
    const presented = await this.#present(row)
    this.#emit(revs, RequestUpdated.create(presented))
    return presented
  }

  async #decide(request: RequestDoc, status: 'declined' | 'cancelled'): Promise<PersonRequest> {
    const { row, revs } = await this.#write(request, status, async () => undefined)
    const presented = await this.#present(row)
    this.#emit(revs, RequestUpdated.create(presented))
    return presented
  }

  /** @returns the request as it is then, and no `rev` where it was so before. @throws {AppError} `conflict` */
  async #write(
    { _id, fromId, toId }: RequestDoc,
    status: RequestStatus,
    also: Parameters<AccountStore['change']>[3]
  ): Promise<{ row: RequestDoc; revs: Map<string, number> }> {
    const current = await this.#store.requests.find(_id)
    if (current === null) throw new AppError('not_found', 'No such request')
    if (current.status === status) return { row: current, revs: new Map() }
    requireOpen(current)
    let row: RequestDoc | null = null
    try {
      const revs = await this.#store.accounts.changeAll([fromId, toId], 'request', _id, async session => {
        row = await this.#store.requests.decide(_id, status, session)
        // Read here: what another has just written is seen outside only once most of the database has it.
        if (row === null) throw new OvertakenError(await this.#store.requests.find(_id, session))
        await also(session)
      })
      return { row: row ?? current, revs }
    } catch (error) {
      if (!(error instanceof OvertakenError)) throw error
      const { decided } = error
      if (decided?.status !== status) throw new AppError('conflict', 'The request was decided already')
      return { row: decided, revs: new Map() }
    }
  }

  async #require(actor: Actor, id: string, direction?: 'incoming' | 'outgoing'): Promise<RequestDoc> {
    const request = await this.#store.requests.find(new ObjectId(bareId(id)))
    const isMine = request?.fromId.toHexString() === actor.userId
    const isToMe = request?.toId.toHexString() === actor.userId
    if (request === null || !(isMine || isToMe)) throw new AppError('not_found', 'No such request')
    if ((direction === 'incoming' && isMine) || (direction === 'outgoing' && isToMe)) {
      throw new AppError('forbidden', 'This is for the other one of the two')
    }
    return request
  }

  async #present(row: RequestDoc): Promise<PersonRequest> {
    const [request] = await this.present([row])
    if (request === undefined) throw new Error('One request was to be presented')
    return request
  }

  #emit(revs: ReadonlyMap<string, number>, event: UserEvent): void {
    for (const [id, rev] of revs) this.#bus.publish('user', { userId: id, rev, event })
  }
}

/** A block or the end of an account that came in between leaves an accepted request without a conversation. */
function requireParted(error: unknown): void {
  if (!(error instanceof AppError) || !['blocked', 'not_found'].includes(error.code)) throw error
}

function requireOpen({ status }: RequestDoc): void {
  if (status !== 'open') throw new AppError('conflict', `The request was ${status} already`)
}
