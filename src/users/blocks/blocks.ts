import { bareId, prefixedId } from '../../../protocol/ids.ts'
import { PAGE_SIZE } from '../../../protocol/limits.ts'
import { Noop } from '../../../protocol/sync/events.ts'
import { BlocksUpdated } from '../../../protocol/users/events.ts'
import type { BlockPage } from '../../../protocol/users/routes.ts'
import type { Actor } from '../../actor.ts'
import type { Bus } from '../../bus/bus.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { pairKeyOf, userId } from '../../ids.ts'
import { RecentCache } from '../../limits/recent-cache.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { cutPage } from '../../page.ts'
import type { Commits } from '../../store/commit/commits.ts'
import type { ConversationStore } from '../../store/conversations.ts'
import type { AccountStore } from '../../streams/store.ts'
import type { UserService } from '../users.ts'
import type { BlockStore } from './store.ts'

interface BlockDeps {
  store: {
    readonly accounts: AccountStore
    readonly blocks: BlockStore
    readonly commits: Commits
    readonly conversations: ConversationStore
  }
  bus: Bus
  users: Pick<UserService, 'findMany' | 'requireUsers'>
  config: Pick<Config, 'timings'>
}

const MAX_CACHED = 20_000
/** People whom one person may block. */
const MAX_BLOCKS = 10_000
/** Blocks of one person, each way, that are cached. */
const MAX_AROUND = 100_000
/** Times two people's blocks may change while their conversation is being updated. */
const MAX_ROUNDS = 20

/**
 * Blocks. One either way means that nothing passes between the two. What changes their direct conversation is
 * refused by the conversation's own state (`blockedBy`), which the commit proves; everything else asks here.
 */
export class BlockService {
  readonly #store: BlockDeps['store']
  readonly #bus: Bus
  readonly #users: BlockDeps['users']
  readonly #blockedPeers: RecentCache<ReadonlySet<string>>

  constructor({ store, bus, users, config }: BlockDeps) {
    this.#store = store
    this.#bus = bus
    this.#users = users
    this.#blockedPeers = new RecentCache(
      async id => await this.#loadBlockedPeers(id),
      config.timings.blockCacheMs,
      MAX_CACHED
    )
  }

  /** Blocks somebody; a repeat changes nothing. @throws {AppError} `invalid` for oneself, `not_found`, `quota_reached` */
  async add(actor: Actor, otherId: string): Promise<void> {
    const blocked = bareId(otherId)
    if (blocked === actor.userId) throw new AppError('invalid', 'Nobody can block themselves')
    await this.#users.requireUsers([blocked])
    const me = new ObjectId(actor.userId)
    const other = new ObjectId(blocked)
    const [known] = await this.#store.blocks.blockedAmong(me, [other])
    if (known === undefined) {
      if ((await this.#store.blocks.count(me)) >= MAX_BLOCKS) {
        throw new AppError('quota_reached', `At most ${MAX_BLOCKS} people can be blocked`)
      }
      await this.#change(actor, blocked, async session => await this.#store.blocks.insert(me, other, session))
    }
    await this.syncDirectConversation(actor.userId, blocked)
  }

  /** Takes a block back; a repeat changes nothing. */
  async remove(actor: Actor, otherId: string): Promise<void> {
    const blocked = bareId(otherId)
    const me = new ObjectId(actor.userId)
    const other = new ObjectId(blocked)
    const [known] = await this.#store.blocks.blockedAmong(me, [other])
    if (known !== undefined) {
      await this.#change(actor, blocked, async session => await this.#store.blocks.remove(me, other, session))
    }
    await this.syncDirectConversation(actor.userId, blocked)
  }

  /** Whom the actor has blocked, newest first. */
  async list(actor: Actor, { limit = PAGE_SIZE, after }: { limit?: number; after?: string } = {}): Promise<BlockPage> {
    const from = after === undefined ? undefined : new ObjectId(after)
    const rows = await this.#store.blocks.page(new ObjectId(actor.userId), limit + 1, from)
    const { page, last } = cutPage(rows, limit)
    const profiles = await this.#users.findMany(
      actor,
      page.map(({ blockedId }) => blockedId.toHexString())
    )
    const byId = new Map(profiles.map(user => [user.id, user]))
    const blocks = page.flatMap(({ blockedId, createdAt }) => {
      const user = byId.get(userId(blockedId))
      return user === undefined ? [] : [{ user, blockedAt: createdAt.toISOString() }]
    })
    return {
      blocks,
      ...omitUndefined({ next: last?._id.toHexString() })
    }
  }

  /** Whether the actor has blocked somebody. */
  async has(actor: Actor, otherId: string): Promise<boolean> {
    const other = new ObjectId(bareId(otherId))
    return (await this.#store.blocks.blockedAmong(new ObjectId(actor.userId), [other])).length > 0
  }

  /** Whether one of the two has blocked the other, as the store has it now. */
  async isBetween(a: string, b: string): Promise<boolean> {
    return (await this.#blockedBy(a, b)).length > 0
  }

  /** @throws {AppError} `blocked` when the actor or one of these people has blocked the other. Ids in either form. */
  async requireUnblocked(actor: Actor, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    const me = new ObjectId(actor.userId)
    const others = ids.map(id => new ObjectId(bareId(id)))
    const blocks = await this.#store.blocks.between(me, others)
    if (blocks.length > 0) throw new AppError('blocked', 'One of you has blocked the other')
  }

  /**
   * Peers blocked either way, for what is not stored: ephemeral events, notifications, lists.
   * Changes made here count at once, those of other nodes within seconds. Ids are 24 hexadecimal digits.
   */
  async blockedPeers(id: string): Promise<ReadonlySet<string>> {
    return await this.#blockedPeers.get(id)
  }

  /**
   * Brings the direct conversation of two people, if there is one, to say who has blocked whom. Whoever made the
   * last change finds out here what others wrote meanwhile, so that in the end it says what the blocks say.
   */
  async syncDirectConversation(a: string, b: string): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const [blockedBy, doc] = await Promise.all([
        this.#blockedBy(a, b),
        this.#store.conversations.findPair(pairKeyOf(a, b))
      ])
      if (doc === null || isSame(doc.blockedBy ?? [], blockedBy)) return
      await this.#store.commits.run(doc._id.toHexString(), {
        decide: draft => {
          if (isSame(draft.state.doc.blockedBy ?? [], blockedBy)) return
          draft.setBlockedBy(blockedBy)
          draft.emit(Noop, () => ({}))
        }
      })
    }
    throw new AppError('busy', 'The blocks of the two keep changing; try again', { retryAfterMs: 1_000 })
  }

  async #change(actor: Actor, other: string, write: Parameters<AccountStore['change']>[3]): Promise<void> {
    const me = new ObjectId(actor.userId)
    const rev = await this.#store.accounts.change(me, 'block', new ObjectId(other), write)
    this.#blockedPeers.delete(actor.userId)
    this.#blockedPeers.delete(other)
    const isBlocked = await this.has(actor, other)
    const event = BlocksUpdated.create({ userId: prefixedId('user', other), isBlocked })
    this.#bus.publish('user', { userId: actor.userId, rev, event })
  }

  async #blockedBy(a: string, b: string): Promise<ObjectId[]> {
    const blocks = await this.#store.blocks.between(new ObjectId(a), [new ObjectId(b)])
    return blocks.map(({ blockerId }) => blockerId)
  }

  async #loadBlockedPeers(id: string): Promise<ReadonlySet<string>> {
    const ids = await this.#store.blocks.blockedPeers(new ObjectId(id), MAX_AROUND)
    return new Set(ids.map(it => it.toHexString()))
  }
}

function isSame(a: readonly ObjectId[], b: readonly ObjectId[]): boolean {
  return a.length === b.length && a.every(id => b.some(it => it.equals(id)))
}
