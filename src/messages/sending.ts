import { bareId } from '../../protocol/ids.ts'
import type { Message } from '../../protocol/messages/entities.ts'
import { MessageNew, type Sent } from '../../protocol/messages/events.ts'
import type { Actor } from '../actor.ts'
import type { Config } from '../config/config.ts'
import { requireMaySend, requireUnblocked, requireVisible, type TypingService } from '../conversations/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { TokenBuckets } from '../limits/token-buckets.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { presentMessage, readerOf } from '../present/present.ts'
import type { FirstSend } from '../store/commit/change.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { MessageDoc } from '../store/documents.ts'
import { Attaching, type FilesPort } from './attaching.ts'
import type { Content } from './content.ts'
import { newMentions } from './mentions/mentions.ts'
import { previewDue } from './previews/links.ts'
import { isFirst, presentSent, requireSame } from './sent.ts'

/** A message on its way into a conversation, its content checked; ids in either form. */
export interface Outgoing {
  readonly conversationId: string
  readonly clientId: string
  readonly content: Content
  readonly replyTo?: string
  readonly forwarded?: NonNullable<MessageDoc['forwarded']>
  /** False of what the person does not send now: it ends no typing. */
  readonly isWritten?: boolean
}

/** Outcome of a send. */
export interface SendResult {
  /** The acknowledgement. A repeat differs in `duplicate` alone, whatever became of the message. */
  readonly sent: Sent
  /** Presents the message as it was committed; absent of a repeat, whose message may have changed or be out of sight. */
  readonly present?: () => Message
}

/** A send as it was committed, now or before. */
interface Kept extends Pick<SendResult, 'present'> {
  readonly first: FirstSend
}

interface SendingDeps {
  readonly store: { readonly commits: Commits }
  readonly files: FilesPort
  readonly typing: Pick<TypingService, 'speak'>
  readonly config: Pick<Config, 'limits' | 'LINK_PREVIEWS'>
}

/** Puts messages of people into conversations, whether they were written or forwarded. */
export class Sending {
  readonly #commits: Commits
  readonly #attaching: Attaching
  readonly #typing: SendingDeps['typing']
  readonly #chatsBegun: TokenBuckets
  readonly #hasPreviews: boolean

  constructor({ store, files, typing, config }: SendingDeps) {
    this.#attaching = new Attaching(files)
    this.#commits = store.commits
    this.#typing = typing
    this.#hasPreviews = config.LINK_PREVIEWS === 'on'
    this.#chatsBegun = TokenBuckets.perDay(config.limits.chatsBegunPerDay)
  }

  /**
   * Adds a message and tells every member's devices, the sender's others too. A repeated `clientId` acknowledges the
   * first message and tells nobody again. Messages that are sent one after the other arrive in this order.
   * @throws {AppError} `not_found` for who is not a member, `forbidden` where only admins may send, `blocked`,
   * `idempotency_mismatch`, `rate_limited` for one new conversation too many
   */
  async send(
    actor: Actor,
    { conversationId, clientId, content, replyTo: answers, forwarded, isWritten = true }: Outgoing
  ): Promise<SendResult> {
    if (isWritten) this.#typing.speak(actor, conversationId)
    const { fields, mentions, bytes, bodyHash } = content
    // What is forwarded names its files already.
    const attaching = forwarded === undefined ? this.#attaching.attach(actor, fields.attachments) : undefined
    // Without a pause where there is none: messages are committed in the order in which they come.
    const attached = attaching && (await attaching)
    const senderId = new ObjectId(actor.userId)
    const replyToId = answers === undefined ? undefined : new ObjectId(bareId(answers))
    const countBegun = this.#counterOfBegun(actor)
    const { first, present } = await this.#commits.run<Kept>(bareId(conversationId), {
      bytes,
      ...omitUndefined({ messageId: replyToId }),
      idempotency: { senderId, clientId, answer: first => ({ first: requireSame(first, bodyHash) }) },
      decide: draft => {
        const member = requireMaySend(draft.state, actor)
        requireUnblocked(draft.state)
        if (isFirst(draft.state)) countBegun()
        const answered = replyToId && requireVisible(member, draft.message(replyToId))
        if (attached instanceof AppError) throw attached
        const replyTo = answered && { messageId: answered._id, senderId: answered.senderId }
        const previewDueAt = previewDue(fields, draft.now, this.#hasPreviews)
        const message = draft.append({
          senderId,
          clientId,
          bodyHash,
          ...fields,
          ...(attached && { attachments: attached }),
          ...newMentions(mentions, draft.state, actor),
          ...omitUndefined({ replyTo, forwarded, previewDueAt })
        })
        let presented: Message | undefined
        const present = (): Message => (presented ??= presentMessage(message, answered))
        draft.emit(MessageNew, present, omitUndefined({ seq: message.seq, quotedSeq: answered?.seq }))
        if (answered === undefined) return { first: message, present }
        return { first: message, present: () => presentMessage(message, answered, readerOf(member)) }
      }
    })
    return present === undefined ? { sent: presentSent(first, true) } : { sent: presentSent(first, false), present }
  }

  /** Counts a conversation that begins, once, however often that is decided. */
  #counterOfBegun({ userId }: Actor): () => void {
    let isCounted = false
    return () => {
      if (!isCounted) this.#chatsBegun.take(userId, 'Too many new conversations for one day')
      isCounted = true
    }
  }
}
