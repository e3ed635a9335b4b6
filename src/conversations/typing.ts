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

/** Recipients: everybody else in the conversation; `pair` names the two people of a direct one. */
type TypingRecipients = Pick<EphemeralMessage, 'pair'>

/** Somebody who is typing. */
interface Typing {
  /** Timer that ends it. */
  readonly end: NodeJS.Timeout
  /** Recipients, once they are known. */
  recipients: TypingRecipients | undefined
  /** True once the message is sent: typing is not told any more. */
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
  /** Typing under way, by person and conversation. */
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
    typing.recipients = await this.#recipientsOf(actor, id).catch((error: unknown) => {
      this.#forget(key)
      throw error
    })
    if (typing.recipients === undefined) this.#forget(key)
    else if (!typing.hasSpoken) this.#tell(actor, id, { typing: TypingStarted, recipients: typing.recipients })
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
    const { recipients } = typing
    if (recipients !== undefined) this.#tell(actor, id, { typing: TypingStopped, recipients })
  }

  /** Ends by itself, if it is one of those that are watched. */
  #endLater(key: string, actor: Actor, conversationId: string): Typing {
    const end = setTimeout(() => {
      this.#forget(key)
      // Whoever is no member any more has nothing to end.
      this.#tellStop(actor, conversationId).catch(() => undefined)
    }, this.#endMs)
    const typing = { end: end.unref(), recipients: undefined, hasSpoken: false }
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
    const recipients = await this.#recipientsOf(actor, conversationId)
    if (recipients !== undefined) this.#tell(actor, conversationId, { typing: TypingStopped, recipients })
  }

  async #requireMember({ userId }: Actor, conversationId: string): Promise<void> {
    const member = await this.#store.members.find(new ObjectId(conversationId), new ObjectId(userId))
    if (member === null) throw noSuchConversation()
  }

  /** @returns undefined in large groups, which are not told */
  async #recipientsOf(actor: Actor, conversationId: string): Promise<TypingRecipients | undefined> {
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
    { typing, recipients }: { typing: typeof TypingStarted | typeof TypingStopped; recipients: TypingRecipients }
  ): void {
    this.#bus.publish('ephemeral', {
      conversationId,
      event: typing.create({
        conversationId: prefixedId('conv', conversationId),
        userId: prefixedId('user', actor.userId)
      }),
      fromUserId: actor.userId,
      recipients: 'others',
      ...omitUndefined({ pair: recipients.pair })
    })
  }

  async #memberCount(conversationId: string): Promise<number> {
    const { commits, conversations } = this.#store
    const head = commits.recentHead(conversationId) ?? (await conversations.find(new ObjectId(conversationId)))
    return head?.memberCount ?? 0
  }
}
