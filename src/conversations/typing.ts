import { TypingStarted, TypingStopped } from '../../protocol/conversations/events.ts'
import { bareId, prefixedId } from '../../protocol/ids.ts'
import type { Actor } from '../actor.ts'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import { ObjectId } from '../database/object-id.ts'
import { rateOf, TokenBuckets } from '../limits/token-buckets.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { MemberStore } from '../store/members.ts'
import { noSuchConversation } from '../store/missing.ts'
import type { BlockService } from '../users/index.ts'
import type { DirectPairs } from './direct/pairs.ts'
import { MAX_TOLD_MEMBERS } from './policy.ts'

/** People typing at once whose end is watched; beyond them clients forget by themselves. */
const MAX_TYPING = 50_000

interface TypingDeps {
  store: {
    readonly commits: Pick<Commits, 'recentHead'>
    readonly conversations: ConversationStore
    readonly members: MemberStore
  }
  bus: Bus
  pairs: DirectPairs
  blocks: Pick<BlockService, 'blockedPeers'>
  config: Pick<Config, 'limits'>
}

/**
 * Passes on that somebody is typing, and once that they have stopped; nothing is stored. What comes too soon after what
 * was passed on counts as said.
 */
export class TypingService {
  readonly #store: TypingDeps['store']
  readonly #bus: Bus
  readonly #pairs: DirectPairs
  readonly #blocks: TypingDeps['blocks']
  readonly #starts: TokenBuckets
  readonly #stops: TokenBuckets
  readonly #endMs: number
  /** Timers of people who were told to be typing, by person and conversation. */
  readonly #ends = new Map<string, NodeJS.Timeout>()

  constructor({ store, bus, pairs, blocks, config }: TypingDeps) {
    this.#store = store
    this.#bus = bus
    this.#pairs = pairs
    this.#blocks = blocks
    const rate = rateOf(1, config.limits.typingIntervalMs)
    this.#starts = new TokenBuckets(rate)
    this.#stops = new TokenBuckets(rate)
    this.#endMs = 2 * config.limits.typingIntervalMs
  }

  /**
   * Says that the actor is typing; without a repeat it ends by itself after twice the interval of repeats.
   * @throws {AppError} `not_found` for who is not a member
   */
  async start(actor: Actor, conversationId: string): Promise<void> {
    const id = bareId(conversationId)
    const key = `${actor.userId}:${id}`
    const end = this.#ends.get(key)?.refresh()
    if (this.#starts.tryTake(key) > 0) {
      if (end === undefined) await this.#requireMember(actor, id)
      return
    }
    // Before anything is waited for: a stop may come right behind.
    this.#endLater(key, actor, id)
    const isPassedOn = await this.#passOn(actor, id, TypingStarted).catch((error: unknown) => {
      this.#forget(key)
      throw error
    })
    if (!isPassedOn) this.#forget(key)
  }

  /** @throws {AppError} `not_found` for who is not a member */
  async stop(actor: Actor, conversationId: string): Promise<void> {
    const id = bareId(conversationId)
    const key = `${actor.userId}:${id}`
    const isTyping = this.#forget(key)
    const isFirst = this.#stops.tryTake(key) === 0
    await (isTyping || isFirst ? this.#passOn(actor, id, TypingStopped) : this.#requireMember(actor, id))
  }

  #endLater(key: string, actor: Actor, conversationId: string): void {
    if (this.#ends.has(key) || this.#ends.size >= MAX_TYPING) return
    const end = setTimeout(() => {
      this.#forget(key)
      // Whoever is no member any more has nothing to end.
      this.#passOn(actor, conversationId, TypingStopped).catch(() => undefined)
    }, this.#endMs)
    this.#ends.set(key, end.unref())
  }

  /** @returns whether they were told to be typing */
  #forget(key: string): boolean {
    clearTimeout(this.#ends.get(key))
    return this.#ends.delete(key)
  }

  async #requireMember({ userId }: Actor, conversationId: string): Promise<void> {
    const member = await this.#store.members.find(new ObjectId(conversationId), new ObjectId(userId))
    if (member === null) throw noSuchConversation()
  }

  /** @returns whether it was passed on: not in large groups */

  async #passOn(
    actor: Actor,
    conversationId: string,
    typing: typeof TypingStarted | typeof TypingStopped
  ): Promise<boolean> {
    await this.#requireMember(actor, conversationId)
    const pair = await this.#pairs.find(conversationId)
    if (pair === undefined && (await this.#memberCount(conversationId)) > MAX_TOLD_MEMBERS) return false
    // Known here before it is asked for there: members on this server are told before the reply.
    await this.#blocks.blockedPeers(actor.userId)
    this.#bus.publish('ephemeral', {
      conversationId,
      event: typing.create({
        conversationId: prefixedId('conv', conversationId),
        userId: prefixedId('user', actor.userId)
      }),
      fromUserId: actor.userId,
      isForOthers: true,
      ...omitUndefined({ pair })
    })
    return true
  }

  async #memberCount(conversationId: string): Promise<number> {
    const { commits, conversations } = this.#store
    const head = commits.recentHead(conversationId) ?? (await conversations.find(new ObjectId(conversationId)))
    return head?.memberCount ?? 0
  }
}
