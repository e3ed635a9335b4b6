import { TypingStarted, TypingStopped } from '../../protocol/conversations/events.ts'
import { bareId, prefixedId } from '../../protocol/ids.ts'
import type { Actor } from '../actor.ts'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import { ObjectId } from '../database/object-id.ts'
import { TokenBuckets } from '../limits/token-buckets.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { MemberStore } from '../store/members.ts'
import { noSuchConversation } from '../store/missing.ts'
import type { BlockService } from '../users/index.ts'
import type { DirectPairs } from './direct/pairs.ts'

/** People typing at once whose end is watched; beyond them clients forget by themselves. */
const MAX_TYPING = 50_000

interface TypingDeps {
  store: { readonly members: MemberStore }
  bus: Bus
  pairs: DirectPairs
  blocks: Pick<BlockService, 'blockedPeers'>
  config: Pick<Config, 'limits'>
}

/** Passes on that somebody is typing; nothing is stored. */
export class TypingService {
  readonly #members: MemberStore
  readonly #bus: Bus
  readonly #pairs: DirectPairs
  readonly #blocks: TypingDeps['blocks']
  readonly #starts: TokenBuckets
  readonly #endMs: number
  /** Timers of people who are typing, by person and conversation. */
  readonly #ends = new Map<string, NodeJS.Timeout>()

  constructor({ store, bus, pairs, blocks, config }: TypingDeps) {
    this.#members = store.members
    this.#bus = bus
    this.#pairs = pairs
    this.#blocks = blocks
    this.#starts = new TokenBuckets({ perSecond: 1_000 / config.limits.typingIntervalMs, burst: 1 })
    this.#endMs = 2 * config.limits.typingIntervalMs
  }

  /**
   * Says that the actor is typing; without a repeat it ends by itself after twice the interval of repeats.
   * @throws {AppError} `not_found` for who is not a member, `rate_limited` for repeating it too soon
   */
  async start(actor: Actor, conversationId: string): Promise<void> {
    const id = bareId(conversationId)
    const key = `${actor.userId}:${id}`
    this.#ends.get(key)?.refresh()
    this.#starts.take(key, 'Typing was passed on just now')
    await this.#emit(actor, id, TypingStarted)
    this.#endLater(key, actor, id)
  }

  /** @throws {AppError} `not_found` for who is not a member */
  async stop(actor: Actor, conversationId: string): Promise<void> {
    const id = bareId(conversationId)
    this.#forget(`${actor.userId}:${id}`)
    await this.#emit(actor, id, TypingStopped)
  }

  #endLater(key: string, actor: Actor, conversationId: string): void {
    if (this.#ends.has(key) || this.#ends.size >= MAX_TYPING) return
    const end = setTimeout(() => {
      this.#forget(key)
      // Whoever is no member any more has nothing to end.
      this.#emit(actor, conversationId, TypingStopped).catch(() => undefined)
    }, this.#endMs)
    this.#ends.set(key, end.unref())
  }

  #forget(key: string): void {
    clearTimeout(this.#ends.get(key))
    this.#ends.delete(key)
  }

  async #emit(
    actor: Actor,
    conversationId: string,
    typing: typeof TypingStarted | typeof TypingStopped
  ): Promise<void> {
    const member = await this.#members.find(new ObjectId(conversationId), new ObjectId(actor.userId))
    if (member === null) throw noSuchConversation()
    const pair = await this.#pairs.find(conversationId)
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
  }
}
