import { bareId } from '../../protocol/ids.ts'
import type { ConversationEvent } from '../../protocol/index.ts'
import type { Message } from '../../protocol/messages/entities.ts'
import type { Actor } from '../actor.ts'
import { requireMember, requireVisible } from '../conversations/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { presentMessage, readerOf } from '../present/present.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { Draft } from '../store/commit/draft.ts'
import type { MessageDoc } from '../store/documents.ts'

/** Names one message; ids in either form. */
export interface MessageRef {
  conversationId: string
  messageId: string
}

interface Change {
  /** Bytes that it brings, where that is more than a few. */
  readonly bytes?: number | undefined
  /** Requires that the actor may make it: a member, unless told. */
  readonly requireMay?: typeof requireMember
  /** Decides what the message becomes; what is given, where nothing changes. */
  readonly decide: (draft: Draft, message: Readonly<MessageDoc>) => Readonly<MessageDoc>
}

/**
 * Changes a message that the actor sees. @returns it as they see it then
 * @throws {AppError} `not_found` for who does not see it, and as `requireMay` and `decide`
 */
export async function changeMessage(
  commits: Commits,
  actor: Actor,
  place: MessageRef,
  { bytes, requireMay = requireMember, decide }: Change
): Promise<Message> {
  const id = new ObjectId(bareId(place.messageId))
  const present = await commits.run(bareId(place.conversationId), {
    messageId: id,
    withAnswered: true,
    ...omitUndefined({ bytes }),
    decide: draft => {
      const member = requireMay(draft.state, actor)
      const changed = decide(draft, requireVisible(member, draft.message(id)))
      const answered = draft.answeredBy(changed)
      return () => presentMessage(changed, answered, readerOf(member))
    }
  })
  return present()
}

/**
 * Replaces a message, and emits an event with all of it.
 * @param dataOf data of the event, of the message as every member sees it
 * @returns the message with its new `rev`
 */
export function replaceMessage<E extends ConversationEvent>(
  draft: Draft,
  message: Readonly<MessageDoc>,
  event: { create(data: E['data']): E },
  dataOf: (message: Message) => E['data']
): MessageDoc {
  const after = draft.replace(message)
  const answered = draft.answeredBy(after)
  const about = omitUndefined({ seq: after.seq, quotedSeq: answered?.seq })
  draft.emit(event, () => dataOf(presentMessage(after, answered)), about)
  return after
}
