import type {
  Conversation,
  ConversationView,
  Member,
  Membership,
  Receipt
} from '../../protocol/entities/conversation.ts'
import type { Message, Reaction } from '../../protocol/entities/message.ts'
import type { Changed } from '../../protocol/events/message.ts'
import { prefixedId } from '../../protocol/ids.ts'
import type { ConversationDoc, MemberDoc, MessageDoc, ObjectId, ReactionDoc } from '../store/index.ts'

const SHOWN_REACTORS = 20

export const userId = (id: ObjectId): string => prefixedId('user', id.toHexString())
export const conversationId = (id: ObjectId): string => prefixedId('conv', id.toHexString())
export const messageId = (id: ObjectId): string => prefixedId('msg', id.toHexString())

/** Where a message is now, as a change of it is answered. */
export function presentChanged({ _id, rev }: Readonly<MessageDoc>): Changed {
  return { id: messageId(_id), rev }
}

/** Stored message → as it goes on the wire. */
export function presentMessage(doc: MessageDoc): Message {
  return {
    id: messageId(doc._id),
    conversationId: conversationId(doc.conversationId),
    seq: doc.seq,
    rev: doc.rev,
    senderId: userId(doc.senderId),
    clientId: doc.clientId,
    type: doc.type,
    ...(doc.text === undefined ? {} : { text: doc.text }),
    ...(doc.replyTo === undefined ? {} : { replyTo: presentQuote(doc.replyTo) }),
    reactions: doc.reactions?.map(presentReaction) ?? [],
    createdAt: doc.createdAt.toISOString(),
    ...(doc.editedAt === undefined ? {} : { editedAt: doc.editedAt.toISOString() }),
    ...(doc.deletedAt === undefined ? {} : { deletedAt: doc.deletedAt.toISOString() })
  }
}

/** An upper bound of a message's bytes on the wire, cheaper than encoding it twice. */
export function messageBytes({ text = '', replyTo, reactions }: Message): number {
  return 768 + Buffer.byteLength(text) * 2 + (replyTo?.text?.length ?? 0) * 4 + reactions.length * 800
}

/** The first of them that are together within the bytes, at least one. */
export function fitPage(messages: readonly MessageDoc[], maxBytes: number): MessageDoc[] {
  let bytes = 0
  const end = messages.findIndex((message, index) => {
    bytes += messageBytes(presentMessage(message))
    return index > 0 && bytes > maxBytes
  })
  return messages.slice(0, end < 0 ? messages.length : end)
}

function presentQuote({ messageId: id, senderId, text }: NonNullable<MessageDoc['replyTo']>) {
  return { messageId: messageId(id), senderId: userId(senderId), ...(text === undefined ? {} : { text }) }
}

function presentReaction({ emoji, userIds }: ReactionDoc): Reaction {
  return { emoji, count: userIds.length, userIds: userIds.slice(0, SHOWN_REACTORS).map(userId) }
}

/** Stored conversation → the part that is the same for every member. */
export function presentConversation(doc: ConversationDoc): Conversation {
  return {
    id: conversationId(doc._id),
    type: doc.type,
    rev: doc.selfRev,
    ...(doc.name === undefined ? {} : { name: doc.name }),
    ...(doc.description === undefined ? {} : { description: doc.description }),
    ...(doc.avatarUrl === undefined ? {} : { avatarUrl: doc.avatarUrl }),
    createdAt: doc.createdAt.toISOString()
  }
}

/** The two people of a direct conversation, 24 hexadecimal digits each. */
export function pairOf({ pairKey }: Pick<ConversationDoc, 'pairKey'>): readonly [string, string] | undefined {
  const [one, other] = pairKey?.split(':') ?? []
  return one === undefined || other === undefined ? undefined : [one, other]
}

export function presentMember(doc: MemberDoc): Member {
  return {
    userId: userId(doc.userId),
    role: doc.role,
    rev: doc.rev,
    joinedAt: doc.joinedAt.toISOString(),
    ...(doc.leftAt === undefined ? {} : { leftAt: doc.leftAt.toISOString() })
  }
}

export function presentReceipt(doc: MemberDoc): Receipt {
  return {
    conversationId: conversationId(doc.conversationId),
    userId: userId(doc.userId),
    deliveredSeq: doc.deliveredSeq,
    readSeq: doc.readSeq
  }
}

function presentMembership({ role, joinedSeq, deliveredSeq, readSeq, clearedSeq }: MemberDoc): Membership {
  return { role, joinedSeq, deliveredSeq, readSeq, clearedSeq }
}

/** The `seq` up to which a member sees nothing: from before they came, or cleared by them. */
export function hiddenUpTo({ joinedSeq, clearedSeq }: Pick<MemberDoc, 'joinedSeq' | 'clearedSeq'>): number {
  return Math.max(joinedSeq, clearedSeq)
}

/** A conversation as one of its members sees it; `newest` and `unreadCount` come from the messages. */
export function presentView(
  doc: ConversationDoc,
  me: MemberDoc,
  newest?: MessageDoc,
  unreadCount = 0
): ConversationView {
  const peer = doc.pairKey?.split(':').find(id => id !== me.userId.toHexString())
  const isVisible = newest !== undefined && newest.seq > hiddenUpTo(me) && !isHiddenFor(newest, me.userId)
  return {
    ...presentConversation(doc),
    head: { seq: doc.seq, rev: doc.rev },
    memberCount: doc.memberCount,
    ...(peer === undefined ? {} : { peerId: prefixedId('user', peer) }),
    ...(isVisible ? { lastMessage: presentMessage(newest) } : {}),
    lastActivityAt: doc.lastActivityAt.toISOString(),
    me: presentMembership(me),
    unreadCount
  }
}

/** Whether somebody deleted the message for themselves. */
export function isHiddenFor({ hiddenFor }: MessageDoc, id: ObjectId): boolean {
  return hiddenFor?.some(it => it.equals(id)) ?? false
}
