import type { ObjectId } from 'mongodb'
import type { GroupSettings, RelatedEntity, SupportStatus } from '../../protocol/conversations/entities.ts'
import type { Attachment, Location, MessageType, SystemNote } from '../../protocol/messages/entities.ts'
import type { LinkPreview } from '../../protocol/previews/entities.ts'

/** A conversation. `rev` and `seq` are its head: the last change and the last message. */
export interface ConversationDoc {
  _id: ObjectId
  type: 'direct' | 'group' | 'support'
  rev: number
  seq: number
  /** The `rev` of the last change of the fields that all members share. */
  selfRev: number
  /** The `rev` of the last change of a membership. */
  memberRev: number
  memberCount: number
  /** The `rev` of the newest change of a message that was there before; absent while there is none. */
  changedMessageRev?: number
  /** Time of the last message of any kind. */
  lastActivityAt: Date
  /** The last message that a person wrote, and its time; absent in older documents, where the last of any kind counts. */
  saidSeq?: number
  saidAt?: Date
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
  /** Messages that are pinned; absent where none ever was. */
  pinCount?: number
  /** Groups: what differs from the default. */
  settings?: Partial<GroupSettings>
  /** Life of messages that are sent now, seconds; absent or 0 where they stay. */
  expireAfterSeconds?: number
  /** Support: how it stands, who answers it, and what it is about. */
  status?: SupportStatus
  assignedAdminId?: ObjectId
  relatedEntity?: RelatedEntity
}

/** Preferences of a member for a conversation. An absent one is off. */
export interface PreferencesDoc {
  /** End of the muting; the last moment there is for ever. */
  mutedUntil?: Date
  pinned?: boolean
  archived?: boolean
  favorite?: boolean
  ringtone?: string
  nickname?: string
  /** Not listed until a person has written a message after this `seq`. */
  hiddenAtSeq?: number
}

/** Membership of one person; there is one row for ever, `leftAt` when it has ended. */
export interface MemberDoc {
  _id: ObjectId
  conversationId: ObjectId
  userId: ObjectId
  rev: number
  role: 'owner' | 'admin' | 'member'
  joinedAt: Date
  /** The `rev` of the conversation when they came; absent in older documents. */
  joinedRev?: number
  /** Messages up to this `seq` are from before they came. */
  joinedSeq: number
  deliveredSeq: number
  readSeq: number
  /** Last few reads with their positions, oldest first. */
  reads?: { seq: number; at: Date }[]
  clearedSeq: number
  /** Person who brought them into a group; absent of who made it. */
  addedBy?: ObjectId
  leftAt?: Date
  /** Person who ended it: themself, or somebody above them. */
  leftBy?: ObjectId
  /** Like the cursors no change of the conversation, and not for the commit to write; gone when they leave. */
  preferences?: PreferencesDoc
}

/** People who reacted with one emoji, with times, in the order they did. */
export interface ReactionDoc {
  emoji: string
  userIds: ObjectId[]
  at: Date[]
}

/** A change of the conversation that a message records. */
export interface SystemNoteDoc {
  kind: SystemNote['kind']
  /** The first of those whom it concerns, and how many they are. */
  userIds?: ObjectId[]
  userCount?: number
  name?: string
  role?: MemberDoc['role']
  expireAfterSeconds?: number
  /** The message that was pinned. */
  messageId?: ObjectId
}

/** A file of a message: one that is kept here, with what the server knows of it, or one that is elsewhere. */
export interface AttachmentDoc extends Omit<Attachment, 'url'> {
  /** Address, of one that is elsewhere. */
  url?: string
  fileId?: ObjectId
  /** Whether there are smaller pictures of a file that is kept here. */
  hasPictures?: boolean
}

/** Place of a text that mentions somebody, UTF-16 code units; without a person, everyone. */
export interface MentionRangeDoc {
  offset: number
  length: number
  userId?: ObjectId
}

/** A picture that is kept here for a preview, and belongs to nobody. */
export interface PictureDoc {
  fileId: ObjectId
  width: number
  height: number
  thumbhash: string
}

/** First link of a message, as it is in the text, and what its page says of itself. */
export interface PreviewDoc extends Omit<LinkPreview, 'picture'> {
  picture?: PictureDoc
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
  /** Absent in what the server writes by itself. */
  clientId?: string
  /** Digest of what was sent, to tell a repeat from another message with the same `clientId`. */
  bodyHash: string
  type: MessageType
  text?: string
  attachments?: AttachmentDoc[]
  location?: Location
  contact?: { name: string; phones?: string[]; userId?: ObjectId }
  encryptedContent?: string
  metadata?: Record<string, unknown>
  /** Members who are mentioned, by name. */
  mentions?: ObjectId[]
  /** Places of the text that mention somebody, in its order. */
  mentionRanges?: MentionRangeDoc[]
  mentionsEveryone?: boolean
  system?: SystemNoteDoc
  /** Names the answered message. Older documents also hold its text as it was then, which nobody is shown. */
  replyTo?: { messageId: ObjectId; senderId: ObjectId }
  /** Origin of a forwarded message; empty where its author was not to be named. */
  forwarded?: { senderId?: ObjectId; sentAt?: Date; messageId?: ObjectId }
  preview?: PreviewDoc
  /** Whether its sender wants none. */
  noPreview?: boolean
  /** Time since which it is to be looked whether its first link has a preview; absent once that is done. */
  previewDueAt?: Date
  reactions?: ReactionDoc[]
  /** Person who pinned it, and when. */
  pinned?: { userId: ObjectId; at: Date }
  createdAt: Date
  editedAt?: Date
  /** Former texts, oldest first. */
  edits?: { text: string; at: Date }[]
  deletedAt?: Date
  /** When it is over: from then on it is shown as deleted, and soon stored so. */
  expiresAt?: Date
  hiddenFor?: ObjectId[]
}

/** Message that somebody has begun in a conversation and not sent. */
export interface MessageDraftDoc {
  _id: ObjectId
  userId: ObjectId
  conversationId: ObjectId
  /** Absent once it was taken away. */
  content?: { text?: string; encryptedContent?: string; mentionRanges?: MentionRangeDoc[]; replyTo?: ObjectId }
  /** Moment of the change on the device where it was made; of two changes the later one stays. */
  changedAt: Date
  takenAwayAt?: Date
}

/** An answered message, as far as a quote shows it and must know who sees it. */
export type AnsweredMessage = Pick<
  MessageDoc,
  '_id' | 'seq' | 'type' | 'text' | 'deletedAt' | 'expiresAt' | 'hiddenFor'
>
