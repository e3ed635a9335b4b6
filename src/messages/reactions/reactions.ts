import type { Created } from '../../../protocol/envelope.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import { ReactionAdded, ReactionRemoved } from '../../../protocol/reactions/events.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { requirePresent, requireUnblocked } from '../../conversations/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { userId } from '../../ids.ts'
import type { TokenBuckets } from '../../limits/token-buckets.ts'
import type { Commits } from '../../store/commit/commits.ts'
import type { ReactionDoc } from '../../store/documents.ts'
import { changeMessage, type MessageRef, replaceMessage } from '../changing.ts'

const ONE_EMOJI = '^(?:\\p{RGI_Emoji}|\\p{Extended_Pictographic}\\p{Emoji_Modifier}?)$'
/** Not a literal, because TypeScript's target does not know the flag `v` yet, which Node 20 has. */
const EMOJI = new RegExp(ONE_EMOJI, 'v')
type Input = MessageRef & { emoji: string }

interface ReactionDeps {
  readonly store: { readonly commits: Commits }
  readonly config: Pick<Config, 'limits'>
  /** Edits and reactions, each of which is told with the whole message. */
  readonly changes: TokenBuckets
}

/** Reactions: each person's emoji on a message, at most one of a kind. */
export class ReactionService {
  readonly #commits: Commits
  readonly #maxKinds: number
  readonly #changes: TokenBuckets

  constructor({ store, config, changes }: ReactionDeps) {
    this.#commits = store.commits
    this.#changes = changes
    this.#maxKinds = config.limits.reactionsPerMessage
  }

  /** Reacts; a repeat changes nothing. @returns the message @throws {AppError} `not_found`, `gone`, `rate_limited`, `quota_reached` for one kind too many */
  async add(actor: Actor, input: Input): Promise<Message> {
    return await this.#change(actor, input, ReactionAdded, (reactions, at) =>
      this.#with(reactions, input.emoji, { actor, at })
    )
  }

  /** Takes a reaction back; a repeat changes nothing. @returns the message @throws {AppError} `not_found`, `gone`, `rate_limited` */
  async remove(actor: Actor, input: Input): Promise<Message> {
    return await this.#change(actor, input, ReactionRemoved, reactions => without(reactions, input.emoji, actor))
  }

  async #change(
    actor: Actor,
    { emoji, ...place }: Input,
    event: typeof ReactionAdded | typeof ReactionRemoved,
    next: (reactions: readonly ReactionDoc[], now: Date) => ReactionDoc[] | undefined
  ): Promise<Message> {
    requireEmoji(emoji)
    this.#changes.takeInTurn(actor, 'You are reacting too fast')
    return await changeMessage(this.#commits, actor, place, {
      decide: (draft, message) => {
        requireUnblocked(draft.state)
        requirePresent(message)
        const reactions = next(message.reactions ?? [], draft.now)
        if (reactions === undefined) return message
        const by = { userId: userId(new ObjectId(actor.userId)), emoji }
        const dataOf = (it: Message) => ({ message: it, ...by })
        return replaceMessage<Created<typeof event>>(draft, { ...message, reactions }, event, dataOf)
      }
    })
  }

  #with(
    reactions: readonly ReactionDoc[],
    emoji: string,
    { actor, at: now }: { actor: Actor; at: Date }
  ): ReactionDoc[] | undefined {
    const same = reactions.find(it => it.emoji === emoji)
    if (same?.userIds.some(id => id.toHexString() === actor.userId)) return undefined
    const mine = new ObjectId(actor.userId)
    if (same !== undefined) {
      const joined = { emoji, userIds: [...same.userIds, mine], at: [...same.at, now] }
      return reactions.map(it => (it === same ? joined : it))
    }
    if (reactions.length >= this.#maxKinds)
      throw new AppError('quota_reached', `At most ${this.#maxKinds} kinds of reactions`)
    return [...reactions, { emoji, userIds: [mine], at: [now] }]
  }
}

function without(reactions: readonly ReactionDoc[], emoji: string, { userId: by }: Actor): ReactionDoc[] | undefined {
  const same = reactions.find(it => it.emoji === emoji)
  const mine = same?.userIds.findIndex(id => id.toHexString() === by) ?? -1
  if (same === undefined || mine < 0) return undefined
  const left = { emoji, userIds: same.userIds.toSpliced(mine, 1), at: same.at.toSpliced(mine, 1) }
  return reactions.map(it => (it === same ? left : it)).filter(it => it.userIds.length > 0)
}

/** @throws {AppError} `invalid` for anything but one emoji */
function requireEmoji(emoji: string): void {
  if (!EMOJI.test(emoji)) throw new AppError('invalid', 'A reaction is one emoji')
}
