import { MIN_EXPIRY_S } from '../../../protocol/conversations/entities.ts'
import { ConversationUpdated } from '../../../protocol/conversations/events.ts'
import { bareId } from '../../../protocol/ids.ts'
import type { ConversationExpiryData } from '../../../protocol/messages/expiring/events.ts'
import type { Actor } from '../../actor.ts'
import { appendSystemMessage, requireAdmin, requireMember, requireUnblocked } from '../../conversations/index.ts'
import { AppError } from '../../errors.ts'
import { type Budgets, WEIGHT } from '../../limits/budgets.ts'
import { presentConversation } from '../../present/present.ts'
import type { Commits } from '../../store/commit/commits.ts'
import type { ConversationState } from '../../store/commit/draft.ts'

interface ExpiryDeps {
  readonly store: { readonly commits: Commits }
  readonly budgets: Budgets
}

/** Timers of conversations: how long messages live that are sent from then on. */
export class ExpiryService {
  readonly #commits: Commits
  readonly #budgets: Budgets

  constructor({ store, budgets }: ExpiryDeps) {
    this.#commits = store.commits
    this.#budgets = budgets
  }

  /**
   * Sets the timer: either of two, or an admin of a group. It is recorded by a system message; a repeat changes nothing.
   * @throws {AppError} `not_found`, `forbidden`, `blocked`, `invalid`, `rate_limited`
   */
  async set(actor: Actor, { conversationId, expireAfterSeconds }: ConversationExpiryData): Promise<{ rev: number }> {
    if (expireAfterSeconds !== 0 && expireAfterSeconds < MIN_EXPIRY_S) {
      throw new AppError('invalid', `Messages live for ${MIN_EXPIRY_S} seconds at least`)
    }
    this.#budgets.spend(actor, WEIGHT.group)
    return await this.#commits.run(bareId(conversationId), {
      decide: draft => {
        requireMaySet(draft.state, actor)
        const { expireAfterSeconds: before = 0, rev } = draft.state.doc
        if (before === expireAfterSeconds) return { rev }
        const changed = draft.update({ expireAfterSeconds })
        const after = { ...draft.state.doc }
        draft.emit(ConversationUpdated, () => presentConversation(after))
        appendSystemMessage(draft, actor, { kind: 'expiry', expireAfterSeconds })
        return { rev: changed }
      }
    })
  }
}

function requireMaySet(state: ConversationState, actor: Actor): void {
  requireMember(state, actor)
  if (state.doc.type === 'direct') requireUnblocked(state)
  else requireAdmin(state, actor)
}
