import type {
  Conversation,
  ConversationView,
  GroupSettings,
  Member,
  Membership,
  Preferences,
  Receipt
} from '../../protocol/conversations/entities.ts'
import { prefixedId } from '../../protocol/ids.ts'
import { MAX_QUOTE_LENGTH, type Message, type Quote } from '../../protocol/messages/entities.ts'
import type { Reaction } from '../../protocol/reactions/entities.ts'
import type { ObjectId } from '../database/object-id.ts'
import { conversationId, messageId, userId } from '../ids.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type {
  AnsweredMessage,
  ConversationDoc,
  MemberDoc,
  MessageDoc,
  PreferencesDoc,
  ReactionDoc
} from '../store/documents.ts'
import { contentBytes, presentContent, storedContentBytes } from './content.ts'
import { presentPicture } from './picture.ts'

/** Parts that have about as many bytes stored as on the wire. */
interface PlainParts {
  readonly text?: string
  readonly reactions?: readonly unknown[]
  readonly forwarded?: object
  readonly pinned?: object
}

const SHOWN_REACTORS = 20
/** The most bytes of a quote's text: three of UTF-8 for each unit of UTF-16. */
const QUOTE_BYTES = MAX_QUOTE_LENGTH * 3

/** Person who reads: they do not see messages up to `afterSeq`, nor those that they have hidden. */
export interface Reader {
  readonly userId: ObjectId
  readonly afterSeq: number
}

/**
 * Stored message → as it goes on the wire.
 * @param answered the message that it answers; without it the quote has nothing but ids
 * @param reader who reads it; by default somebody who sees the answered message
 */
export function presentMessage(doc: MessageDoc, answered?: AnsweredMessage, reader?: Reader): Message {
  return omitUndefined({
    id: messageId(doc._id),
    conversationId: conversationId(doc.conversationId),
    seq: doc.seq,
    rev: doc.rev,
    senderId: userId(doc.senderId),
    clientId: doc.clientId,
    type: doc.type,
    text: doc.text,
    ...presentContent(doc, reader?.userId),
    replyTo: doc.replyTo && presentQuote(doc.replyTo, answered, reader),
    forwarded: doc.forwarded && presentOrigin(doc.forwarded),
    reactions: doc.reactions?.map(presentReaction) ?? [],
    pinned: doc.pinned && { userId: userId(doc.pinned.userId), pinnedAt: doc.pinned.at.toISOString() },
    createdAt: doc.createdAt.toISOString(),
    editedAt: doc.editedAt?.toISOString(),
    expiresAt: doc.deletedAt === undefined ? doc.expiresAt?.toISOString() : undefined,
    deletedAt: doc.deletedAt?.toISOString()
  })
}

/** An upper bound of a message's bytes on the wire, cheaper than encoding it twice. */
export function messageBytes(message: Message): number {
  return plainBytes(message) + (message.replyTo?.text?.length ?? 0) * 4 + contentBytes(message)
}

/** The first of them that are together within the bytes, at least one. */
export function fitPage(messages: readonly MessageDoc[], maxBytes: number): MessageDoc[] {
  let bytes = 0
  const end = messages.findIndex((message, index) => {
    bytes += plainBytes(message) + (message.replyTo === undefined ? 0 : QUOTE_BYTES) + storedContentBytes(message)
    return index > 0 && bytes > maxBytes
  })
  return messages.slice(0, end < 0 ? messages.length : end)
}

/** An upper bound of all but what it answers and its content besides the text. */
function plainBytes({ text = '', reactions = [], forwarded, pinned }: PlainParts): number {
  const marks = (forwarded === undefined ? 0 : 192) + (pinned === undefined ? 0 : 128)
  return 768 + marks + Buffer.byteLength(text) * 2 + reactions.length * 1_400
}

function presentQuote(
  { messageId: id, senderId }: NonNullable<MessageDoc['replyTo']>,
  answered: AnsweredMessage | undefined,
  reader: Reader | undefined
): Quote {
  const ids = { messageId: messageId(id), senderId: userId(senderId) }
  if (answered === undefined || !isSeen(answered, reader)) return ids
  const { type, text = '', deletedAt } = answered
  if (deletedAt !== undefined) return { ...ids, deleted: true }
  return {
    ...ids,
    ...omitUndefined({
      type: type === 'text' ? undefined : type,
      text: beginningOf(text) || undefined
    })
  }
}

function presentOrigin({ senderId, sentAt, messageId: id }: NonNullable<MessageDoc['forwarded']>) {
  return omitUndefined({
    senderId: senderId && userId(senderId),
    sentAt: sentAt?.toISOString(),
    messageId: id && messageId(id)
  })
}

function beginningOf(text: string): string {
  const beginning = text.slice(0, MAX_QUOTE_LENGTH)
  // Half of a pair is left out.
  return beginning.isWellFormed() ? beginning : beginning.slice(0, -1)
}

function isSeen(message: AnsweredMessage, reader: Reader | undefined): boolean {
  return reader === undefined || (message.seq > reader.afterSeq && !isHiddenFor(message, reader.userId))
}

function presentReaction({ emoji, userIds, at }: ReactionDoc): Reaction {
  return {
    emoji,
    count: userIds.length,
    userIds: userIds.slice(0, SHOWN_REACTORS).map(userId),
    reactedAt: at.slice(0, SHOWN_REACTORS).map(it => it.toISOString())
  }
}

/**
 * Stored conversation → the part that is the same for every member.
 * @param readerId person whom the address of its picture is for; unless told its members
 */
export function presentConversation(doc: ConversationDoc, readerId?: string): Conversation {
  return {
    id: conversationId(doc._id),
    type: doc.type,
    rev: doc.selfRev,
    ...omitUndefined({
      name: doc.name,
      description: doc.description,
      avatarUrl: presentPicture(doc.avatarUrl, () =>
        omitUndefined({ conversationId: doc._id.toHexString(), userId: readerId })
      ),
      settings: doc.type === 'group' ? settingsOf(doc) : undefined,
      expireAfterSeconds: doc.expireAfterSeconds || undefined
    }),
    ...(doc.type === 'support' ? presentSupport(doc) : {}),
    createdAt: doc.createdAt.toISOString()
  }
}

/** The two people of a direct conversation, 24 hexadecimal digits each. */
export function pairOf({ pairKey }: Pick<ConversationDoc, 'pairKey'>): readonly [string, string] | undefined {
  const [one, other] = pairKey?.split(':') ?? []
  return one === undefined || other === undefined ? undefined : [one, other]
}

/** The other one of a direct conversation; ids are 24 hexadecimal digits. */
export function peerOf(doc: Pick<ConversationDoc, 'pairKey'>, userId: string): string | undefined {
  return pairOf(doc)?.find(id => id !== userId)
}

function presentSupport({ status, assignedAdminId, relatedEntity }: ConversationDoc): Partial<Conversation> {
  return omitUndefined({ status, assignedAdminId: assignedAdminId && userId(assignedAdminId), relatedEntity })
}

/** The settings in force: what the group has set, and for the rest the default. */
export function settingsOf({ settings = {} }: Pick<ConversationDoc, 'settings'>): GroupSettings {
  const { whoMaySend = 'members', whoMayAdd = 'admins', whoMayEdit = 'admins', history = 'joined' } = settings
  return { whoMaySend, whoMayAdd, whoMayEdit, history }
}

export function presentMember(doc: MemberDoc): Member {
  return {
    userId: userId(doc.userId),
    role: doc.role,
    rev: doc.rev,
    joinedAt: doc.joinedAt.toISOString(),
    ...omitUndefined({ leftAt: doc.leftAt?.toISOString() })
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

/** Stored membership → the member's own side of a conversation in which people wrote up to `saidSeq`. */
export function presentMembership(doc: MemberDoc, saidSeq: number): Membership {
  const { role, joinedSeq, deliveredSeq, readSeq, clearedSeq, preferences } = doc
  return { role, joinedSeq, deliveredSeq, readSeq, clearedSeq, preferences: presentPreferences(preferences, saidSeq) }
}

function presentPreferences(preferences: PreferencesDoc = {}, saidSeq: number): Preferences {
  const { pinned = false, archived = false, favorite = false, ringtone, nickname, mutedUntil } = preferences
  const muted = isMuted({ preferences })
  return {
    muted,
    pinned,
    archived,
    favorite,
    hidden: isHiddenAt({ preferences }, saidSeq),
    ...omitUndefined({
      mutedUntil: muted && mutedUntil !== undefined && mutedUntil < FOR_EVER ? mutedUntil.toISOString() : undefined,
      ringtone,
      nickname
    })
  }
}

/** `mutedUntil` of what is muted without an end. */
export const FOR_EVER = new Date('9999-12-31T23:59:59.999Z')

/** Whether a member wants no push of this conversation now. */
export function isMuted({ preferences }: Pick<MemberDoc, 'preferences'>): boolean {
  return preferences?.mutedUntil !== undefined && preferences.mutedUntil.getTime() > Date.now()
}

/**
 * Whether a member has put the conversation away and nobody has said anything since.
 * @param saidSeq the last message that a person wrote: what the server notes by itself does not count
 */
export function isHiddenAt({ preferences }: Pick<MemberDoc, 'preferences'>, saidSeq: number): boolean {
  return preferences?.hiddenAtSeq !== undefined && saidSeq <= preferences.hiddenAtSeq
}

/** The `seq` up to which a member sees nothing: from before they came, or cleared by them. */
export function hiddenUpTo({ joinedSeq, clearedSeq }: Pick<MemberDoc, 'joinedSeq' | 'clearedSeq'>): number {
  return Math.max(joinedSeq, clearedSeq)
}

/** A member as a reader. */
export function readerOf(me: Readonly<MemberDoc>): Reader {
  return { userId: me.userId, afterSeq: hiddenUpTo(me) }
}

/** The part of a conversation that comes from its messages. */
interface Said {
  readonly newest?: MessageDoc
  /** The message that the newest one answers. */
  readonly answered?: AnsweredMessage
  readonly unreadCount?: number
}

/** A conversation as one of its members sees it. */
export function presentView(
  doc: ConversationDoc,
  me: MemberDoc,
  { newest, answered, unreadCount = 0 }: Said = {}
): ConversationView {
  const peer = peerOf(doc, me.userId.toHexString())
  const isVisible = newest !== undefined && newest.seq > hiddenUpTo(me) && !isHiddenFor(newest, me.userId)
  return {
    ...presentConversation(doc, me.userId.toHexString()),
    head: { seq: doc.seq, rev: doc.rev },
    memberCount: doc.memberCount,
    ...omitUndefined({
      peerId: peer === undefined ? undefined : prefixedId('user', peer),
      lastMessage: isVisible ? presentMessage(newest, answered, readerOf(me)) : undefined
    }),
    lastActivityAt: activityAt(doc, me).toISOString(),
    me: presentMembership(me, doc.saidSeq ?? doc.seq),
    unreadCount
  }
}

/** Time by which a member finds a conversation in their list: a group is new to who was brought into it. */
function activityAt({ saidAt, lastActivityAt }: ConversationDoc, { addedBy, joinedAt }: MemberDoc): Date {
  const at = saidAt ?? lastActivityAt
  return addedBy !== undefined && joinedAt > at ? joinedAt : at
}

/** Whether somebody deleted the message for themselves. */
export function isHiddenFor({ hiddenFor }: Pick<MessageDoc, 'hiddenFor'>, id: ObjectId): boolean {
  return hiddenFor?.some(it => it.equals(id)) ?? false
}
