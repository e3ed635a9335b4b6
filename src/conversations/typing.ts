import { TypingStarted, TypingStopped } from '../../protocol/conversations/events.ts'
import { bareId, prefixedId } from '../../protocol/ids.ts'
import type { Actor } from '../actor.ts'
import type { Bus, EphemeralMessage } from '../bus/bus.ts'
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

/** Those who are told: everybody else in the conversation, whose two people are known where it is a direct one. */
type Audience = Pick<EphemeralMessage, 'pair'>

/** Somebody who is typing. */
interface Typing {
  /** Timer of what ends it by itself. */
  readonly end: NodeJS.Timeout
  /** Undefined until it is known. */
  audience: Audience | undefined
  /** They have said it already: it is not told any more that they are typing. */
  hasSpoken: boolean
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
  /** Those who are typing, by person and conversation. */
  readonly #typing = new Map<string, Typing>()

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
    const known = this.#typing.get(key)
    known?.end.refresh()
    if (this.#starts.tryTake(key) > 0) {
      if (known === undefined) await this.#requireMember(actor, id)
      return
    }
    // Before anything is waited for: a stop may come right behind.
    const typing = known ?? this.#endLater(key, actor, id)
    typing.audience = await this.#audienceOf(actor, id).catch((error: unknown) => {
      this.#forget(key)
      throw error
    })
    if (typing.audience === undefined) this.#forget(key)
    else if (!typing.hasSpoken) this.#tell(actor, id, { typing: TypingStarted, audience: typing.audience })
  }

  /** @throws {AppError} `not_found` for who is not a member */
  async stop(actor: Actor, conversationId: string): Promise<void> {
    const id = bareId(conversationId)
    const key = `${actor.userId}:${id}`
    const isTyping = this.#forget(key) !== undefined
    const isFirst = this.#stops.tryTake(key) === 0
    await (isTyping || isFirst ? this.#tellStop(actor, id) : this.#requireMember(actor, id))
  }

  /** Ends the typing of who says something now, at once: nobody is told of both. */
  speak(actor: Actor, conversationId: string): void {
    const id = bareId(conversationId)
    const typing = this.#forget(`${actor.userId}:${id}`)
    if (typing === undefined) return
    typing.hasSpoken = true
    const { audience } = typing
    if (audience !== undefined) this.#tell(actor, id, { typing: TypingStopped, audience })
  }

  /** Ends by itself, if it is one of those that are watched. */
  #endLater(key: string, actor: Actor, conversationId: string): Typing {
    const end = setTimeout(() => {
      this.#forget(key)
      // Whoever is no member any more has nothing to end.
      this.#tellStop(actor, conversationId).catch(() => undefined)
    }, this.#endMs)
    const typing = { end: end.unref(), audience: undefined, hasSpoken: false }
    if (this.#typing.size < MAX_TYPING) this.#typing.set(key, typing)
    else clearTimeout(end)
    return typing
  }

  /** @returns the typing that was known */
  #forget(key: string): Typing | undefined {
    const typing = this.#typing.get(key)
    clearTimeout(typing?.end)
    this.#typing.delete(key)
    return typing
  }

  async #tellStop(actor: Actor, conversationId: string): Promise<void> {
    const audience = await this.#audienceOf(actor, conversationId)
    if (audience !== undefined) this.#tell(actor, conversationId, { typing: TypingStopped, audience })
  }

  async #requireMember({ userId }: Actor, conversationId: string): Promise<void> {
    const member = await this.#store.members.find(new ObjectId(conversationId), new ObjectId(userId))
    if (member === null) throw noSuchConversation()
  }

  /** @returns undefined in large groups, which are not told */
  async #audienceOf(actor: Actor, conversationId: string): Promise<Audience | undefined> {
    await this.#requireMember(actor, conversationId)
    const pair = await this.#pairs.find(conversationId)
    if (pair === undefined && (await this.#memberCount(conversationId)) > MAX_TOLD_MEMBERS) return undefined
    // Known here before it is asked for there: members on this server are told before the reply.
    await this.#blocks.blockedPeers(actor.userId)
    return omitUndefined({ pair })
  }

  #tell(
    actor: Actor,
    conversationId: string,
    { typing, audience }: { typing: typeof TypingStarted | typeof TypingStopped; audience: Audience }
  ): void {
    this.#bus.publish('ephemeral', {
      conversationId,
      event: typing.create({
        conversationId: prefixedId('conv', conversationId),
        userId: prefixedId('user', actor.userId)
      }),
      fromUserId: actor.userId,
      toldTo: 'others',
      ...audience
    })
  }

  async #memberCount(conversationId: string): Promise<number> {
    const { commits, conversations } = this.#store
    const head = commits.recentHead(conversationId) ?? (await conversations.find(new ObjectId(conversationId)))
    return head?.memberCount ?? 0
  }
}
