import type { ObjectId } from 'mongodb'

/** A conversation. `rev` and `seq` are its head: the last change and the last message. */
export interface ConversationDoc {
  _id: ObjectId
  type: 'direct' | 'group'
  rev: number
  seq: number
  /** The `rev` of the last change of the fields that all members share. */
  selfRev: number
  memberCount: number
  lastActivityAt: Date
  /** The database's clock at the last change. */
  changedAt: Date
  createdAt: Date
  name?: string
  description?: string
  avatarUrl?: string
  /** Direct conversations: the two user ids, sorted. */
  pairKey?: string
  /** Direct conversations: who of the two has blocked the other. */
  blockedBy?: ObjectId[]
}

/** One person's membership; there is one row for ever, `leftAt` when it has ended. */
export interface MemberDoc {
  _id: ObjectId
  conversationId: ObjectId
  userId: ObjectId
  rev: number
  role: 'owner' | 'admin' | 'member'
  joinedAt: Date
  /** Messages up to this `seq` are from before they came. */
  joinedSeq: number
  deliveredSeq: number
  readSeq: number
  clearedSeq: number
  leftAt?: Date
}

/** Everyone who reacted with one emoji, in the order they did. */
export interface ReactionDoc {
  emoji: string
  userIds: ObjectId[]
}

/** A message as it is now; a deleted one keeps its place and loses its content. */
export interface MessageDoc {
  _id: ObjectId
  conversationId: ObjectId
  seq: number
  rev: number
  /** The `rev` it was sent with. */
  createdRev: number
  senderId: ObjectId
  clientId: string
  /** Digest of what was sent, to tell a repeat from another message with the same `clientId`. */
  bodyHash: string
  type: 'text'
  text?: string
  replyTo?: { messageId: ObjectId; senderId: ObjectId; text?: string }
  reactions?: ReactionDoc[]
  createdAt: Date
  editedAt?: Date
  /** Former texts, oldest first. */
  edits?: { text: string; at: Date }[]
  deletedAt?: Date
  hiddenFor?: ObjectId[]
}
