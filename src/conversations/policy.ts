import { bareId } from '../../protocol/ids.ts'
import type { Actor } from '../actor.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { hiddenUpTo, settingsOf } from '../present/present.ts'
import type { ConversationState } from '../store/commit/draft.ts'
import type { MemberDoc, MessageDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import { noSuchConversation, noSuchMessage } from '../store/missing.ts'
import type { View } from '../store/view.ts'
import { requirePlainText, requireWellFormed } from '../text.ts'

/** Members up to which receipts and typing are passed on; in larger conversations receipts are only kept. */
export const MAX_TOLD_MEMBERS = 64

/** @throws {AppError} `blocked` in a direct conversation when one of the two has blocked the other */
export function requireUnblocked({ doc }: ConversationState): void {
  if ((doc.blockedBy?.length ?? 0) > 0) throw new AppError('blocked', 'One of you has blocked the other')
}

/** The actor's membership. @throws {AppError} `not_found` for everybody else */
export function requireMember({ members }: ConversationState, actor: Actor): Readonly<MemberDoc> {
  const member = members.get(actor.userId)
  if (member === undefined) throw noSuchConversation()
  return member
}

/** The actor's membership in a group that they manage. @throws {AppError} `not_found`, `forbidden`, `invalid` for a direct one */
export function requireAdmin(state: ConversationState, actor: Actor): Readonly<MemberDoc> {
  const member = requireMember(state, actor)
  requireGroup(state)
  if (member.role === 'member') throw new AppError('forbidden', 'Only an admin of the group may do this')
  return member
}

/**
 * The actor's membership in a group that lets them do this: admins always, others where its settings say so.
 * @throws {AppError} `not_found`, `forbidden`, `invalid` for a direct one
 */
export function requireAllowed(
  state: ConversationState,
  actor: Actor,
  what: 'whoMayAdd' | 'whoMayEdit'
): Readonly<MemberDoc> {
  if (settingsOf(state.doc)[what] === 'admins') return requireAdmin(state, actor)
  const member = requireMember(state, actor)
  requireGroup(state)
  return member
}

/** The actor's membership, where they may send. @throws {AppError} `not_found`, `forbidden` where only admins may */
export function requireMaySend(state: ConversationState, actor: Actor): Readonly<MemberDoc> {
  const member = requireMember(state, actor)
  if (member.role === 'member' && state.doc.settings?.whoMaySend === 'admins') {
    throw new AppError('forbidden', 'Only admins may send in this group')
  }
  return member
}

/** The actor's membership, where they may pin: admins in groups, everybody elsewhere. @throws {AppError} `not_found`, `forbidden` */
export function requireMayPin(state: ConversationState, actor: Actor): Readonly<MemberDoc> {
  return state.doc.type === 'group' ? requireAdmin(state, actor) : requireMember(state, actor)
}

/** @throws {AppError} `forbidden` for what the server wrote by itself */
export function requireFromPerson({ type }: Readonly<MessageDoc>): void {
  if (type === 'system' || type === 'call') throw new AppError('forbidden', 'What the server records stays as it is')
}

/** @throws {AppError} `invalid` for a direct conversation, whose members are for ever the same two */
export function requireGroup({ doc }: ConversationState): void {
  if (doc.type !== 'group') throw new AppError('invalid', 'This is possible in groups only')
}

/**
 * Checks the name and the description of a group. @returns them as they are kept
 * @throws {AppError} `invalid` for a name that shows nothing, and for half characters
 */
export function readableTexts<Texts extends { readonly name?: string; readonly description?: string }>(
  texts: Texts
): Texts {
  const { name, description } = texts
  if (description !== undefined) requireWellFormed('description', description)
  return name === undefined ? texts : { ...texts, name: requirePlainText('name', name) }
}

/** @throws {AppError} `invalid` for a direct conversation with oneself */
export function requireSomebodyElse({ userId }: Actor, peerId: string): void {
  if (peerId === userId) throw new AppError('invalid', 'A direct conversation needs somebody else')
}

/** A message that this member may see. @throws {AppError} `not_found` when it is missing, foreign, or from before their time */
export function requireVisible(
  member: Readonly<MemberDoc>,
  message: Readonly<MessageDoc> | undefined
): Readonly<MessageDoc> {
  if (message === undefined || message.seq <= hiddenUpTo(member)) throw noSuchMessage()
  return message
}

/** @throws {AppError} `gone` when the message was deleted for everyone */
export function requirePresent(message: Readonly<MessageDoc>): void {
  if (message.deletedAt !== undefined) throw new AppError('gone', 'The message was deleted')
}

/** @throws {AppError} `forbidden` when the message is somebody else's */
export function requireSender(message: Readonly<MessageDoc>, actor: Actor): void {
  if (message.senderId.toHexString() !== bareId(actor.userId))
    throw new AppError('forbidden', 'Only its sender may do this')
}

/** View of a conversation for the actor. @throws {AppError} `not_found` for others than members */
export async function viewOf(members: MemberStore, actor: Actor, id: string): Promise<View> {
  const conversationId = new ObjectId(bareId(id))
  const userId = new ObjectId(actor.userId)
  const member = await members.find(conversationId, userId)
  if (member === null) throw noSuchConversation()
  return { conversationId, userId, afterSeq: hiddenUpTo(member) }
}
