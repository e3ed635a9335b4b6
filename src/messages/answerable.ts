import type { Actor } from '../actor.ts'
import { viewOf } from '../conversations/index.ts'
import type { ObjectId } from '../database/object-id.ts'
import { isHiddenFor } from '../present/present.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessageStore } from '../store/messages.ts'
import { noSuchMessage } from '../store/missing.ts'

/** Checks that the actor sees a message of a conversation, to answer it later. @throws {AppError} `not_found` */
export type RequireAnswerable = (actor: Actor, conversationId: string, messageId: ObjectId) => Promise<void>

/** Makes that check. */
export function createRequireAnswerable(store: {
  readonly members: MemberStore
  readonly messages: MessageStore
}): RequireAnswerable {
  return async (actor, conversationId, messageId) => {
    const view = await viewOf(store.members, actor, conversationId)
    const message = await store.messages.find(messageId)
    const isHere = message?.conversationId.equals(view.conversationId) === true && message.seq > view.afterSeq
    if (message === null || !isHere || isHiddenFor(message, view.userId)) throw noSuchMessage()
  }
}
