import { type TProperties, type TSchema, Type } from '@sinclair/typebox'
import { CodeSent } from '../../../protocol/accounts/routes.ts'
import { Role } from '../../../protocol/conversations/entities.ts'
import { Attachment, ClientId, ContactCard, Location, Metadata } from '../../../protocol/messages/entities.ts'
import { PresenceStatus } from '../../../protocol/presence/entities.ts'
import { Emoji } from '../../../protocol/reactions/entities.ts'
import { oneOf, Timestamp } from '../../../protocol/schema.ts'
import { Settings as CanonicalSettings } from '../../../protocol/users/entities.ts'
import { BareId, nullable, success } from '../kit/answers.ts'

const text = nullable(Type.String())
const moment = nullable(Timestamp)
const flag = Type.Boolean()
const ids = { _id: BareId, id: BareId }

/** The body of what was granted. */
const granted = <S extends TSchema>(data: S) => success({ data, message: Type.Optional(Type.String()) })
const one = <P extends TProperties>(fields: P) => granted(Type.Object(fields))

const profile = {
  ...ids,
  username: text,
  displayName: Type.String(),
  avatar: text,
  bio: text,
  status: PresenceStatus,
  lastSeen: moment,
  publicKey: text,
  isActive: flag,
  isVerified: flag,
  createdAt: moment
}
const own = {
  ...profile,
  phoneNumber: text,
  email: text,
  unverifiedPhoneNumber: text,
  unverifiedEmail: text,
  updatedAt: Timestamp
}
/** Somebody, as far as they show themselves. */
export const User = Type.Object(profile)
export const OwnUser = Type.Object(own)
/** With how an address that is new is proved. */
export const ChangedUser = Type.Object({
  ...own,
  verification: Type.Optional(Type.Partial(Type.Object({ phone: CodeSent, email: CodeSent })))
})

const Kind = oneOf('text', 'image', 'video', 'audio', 'file', 'call')
const { type: _, durationSeconds, ...file } = Attachment.properties
const Attached = Type.Object({ ...file, type: Kind, duration: durationSeconds })

export const Message = Type.Object({
  ...ids,
  conversationId: BareId,
  senderId: BareId,
  type: Kind,
  content: Type.String(),
  encryptedContent: text,
  attachments: Type.Array(Attached),
  reactions: Type.Array(Type.Object({ emoji: Emoji, userId: BareId, createdAt: moment })),
  readReceipts: Type.Array(Type.Object({ userId: BareId, readAt: moment })),
  replyTo: nullable(BareId),
  isEdited: flag,
  isDeleted: flag,
  deletedAt: moment,
  metadata: Metadata,
  clientId: Type.Optional(ClientId),
  location: Type.Optional(Location),
  contact: Type.Optional(ContactCard),
  isSystem: Type.Optional(Type.Literal(true)),
  createdAt: Timestamp,
  updatedAt: Timestamp
})

const keeping = { unreadCount: Type.Integer({ minimum: 0 }), isMuted: flag, isPinned: flag }
const Participant = Type.Object({
  userId: BareId,
  joinedAt: Timestamp,
  lastReadMessageId: nullable(BareId),
  ...keeping,
  role: Role,
  user: Type.Object({ ...ids, username: text, displayName: Type.String(), avatar: text })
})

export const Conversation = Type.Object({
  ...ids,
  type: oneOf('single', 'group'),
  name: text,
  avatar: text,
  description: text,
  participants: Type.Array(Participant),
  admins: Type.Array(BareId),
  createdBy: nullable(BareId),
  lastMessage: nullable(Message),
  lastMessageAt: Timestamp,
  isArchived: flag,
  ...keeping,
  mutedUntil: moment,
  createdAt: Timestamp,
  updatedAt: Timestamp
})

export const Settings = Type.Object({
  _id: BareId,
  userId: BareId,
  notifications: CanonicalSettings.properties.notifications,
  privacy: Type.Pick(CanonicalSettings.properties.privacy, ['lastSeen', 'profilePhoto', 'about']),
  blockedUsers: Type.Array(BareId),
  createdAt: moment,
  updatedAt: moment
})
export const BlockedUser = Type.Object({
  userId: BareId,
  username: text,
  displayName: Type.String(),
  avatar: text,
  blockedAt: Timestamp
})

/** A file that was uploaded: its `url` goes into the attachments of a message. */
const { url, thumbnailUrl, fileName, fileSize, mimeType, width, height } = Attachment.properties
export const OneUpload = granted(
  Type.Object({ type: Kind, url, thumbnailUrl, fileName, fileSize, mimeType, width, height, duration: durationSeconds })
)
export const OneUser = granted(User)
export const Users = granted(Type.Array(User))
export const Profile = granted(OwnUser)
export const ChangedProfile = granted(ChangedUser)
/** `phone` and `error` are for the apps that share the path. */
export const ProvedAddress = success({
  data: Type.Object({ ...own, phone: text }),
  message: Type.String(),
  error: Type.Null()
})
export const Status = one({ status: PresenceStatus })
export const Done = one({})
export const OwnSettings = granted(Settings)
export const BlockedUsers = granted(Type.Array(BlockedUser))
export const ChangedBlock = one({ userId: BareId, isBlocked: flag })
export const OneConversation = granted(Conversation)
export const Conversations = granted(Type.Array(Conversation))
export const ConversationRef = one({ conversationId: BareId })
/** The group, or its id where the caller has left it. */
export const RemovedParticipant = granted(Type.Union([Conversation, Type.Object({ conversationId: BareId })]))
export const Messages = success({ data: Type.Array(Message), hasMore: flag })
export const Keeping = one({
  conversationId: BareId,
  isMuted: flag,
  mutedUntil: moment,
  isPinned: flag,
  isArchived: flag
})
