import { type TProperties, type TSchema, Type } from '@sinclair/typebox'
import { CodeSent } from '../../../protocol/accounts/routes.ts'
import { Role } from '../../../protocol/conversations/entities.ts'
import {
  Attachment,
  ClientId,
  ContactCard,
  Location,
  MessageType,
  Metadata,
  SystemNote
} from '../../../protocol/messages/entities.ts'
import { PresenceStatus } from '../../../protocol/presence/entities.ts'
import { Emoji } from '../../../protocol/reactions/entities.ts'
import { Counter, oneOf, Timestamp } from '../../../protocol/schema.ts'
import { BareId, nullable, success } from '../kit/answers.ts'

const text = nullable(Type.String())
const moment = nullable(Timestamp)
const flag = Type.Boolean()
const count = Type.Integer({ minimum: 0 })

/** The body of everything that was done. */
const granted = <S extends TSchema>(data: S) => success({ data, error: Type.Null(), message: Type.String() })
const pageOf = <S extends TSchema>(item: S, next: TSchema = BareId) =>
  success({
    data: Type.Array(item),
    error: Type.Null(),
    message: Type.String(),
    pagination: Type.Object({
      limit: Type.Integer({ minimum: 1 }),
      page: Type.Optional(Type.Integer({ minimum: 1 })),
      hasMore: flag,
      next: Type.Optional(nullable(next)),
      complete: Type.Optional({
        ...flag,
        description: 'Of a search: false where its time was over before the page was full.'
      })
    })
  })

const user = {
  ...{ _id: BareId, id: BareId, uid: BareId, userId: BareId },
  username: text,
  name: Type.String(),
  displayName: Type.String(),
  avatar: text,
  avatarUrl: text,
  bio: text,
  statusText: text,
  isVerified: flag,
  lastSeen: moment,
  createdAt: moment
}
const there = { online: flag, isOnline: flag, status: PresenceStatus }
const me = {
  ...user,
  phone: text,
  phoneNumber: text,
  email: text,
  unverifiedPhone: text,
  unverifiedEmail: text,
  publicKey: Type.Optional(Type.String()),
  updatedAt: Type.Optional(Timestamp)
}

export const User = Type.Object(user)
/** Somebody, and whether they are there. */
export const PresentUser = Type.Object({ ...user, ...there })
export const Me = Type.Object(me)
export const PresentMe = Type.Object({ ...me, ...there })
/** With how an address that is new is proved. */
export const ChangedMe = Type.Object({
  ...me,
  ...there,
  verification: Type.Optional(Type.Partial(Type.Object({ phone: CodeSent, email: CodeSent })))
})
export const Presence = Type.Object({ userId: BareId, online: flag, status: PresenceStatus, lastSeen: moment })
export const Contact = Type.Object({ ...user, ...there, phone: Type.String(), contactName: text })

const file = { ...Attachment.properties }
const Attached = Type.Object({
  ...file,
  thumbnail: file.thumbnailUrl,
  name: file.fileName,
  size: file.fileSize,
  duration: file.durationSeconds
})
const Quoted = Type.Object({
  messageId: BareId,
  sender: BareId,
  from: BareId,
  content: Type.String(),
  text: Type.String(),
  isDeleted: flag
})

const place = { conversationId: BareId, conversation: BareId }
export const Message = Type.Object({
  ...{ _id: BareId, id: BareId, messageId: BareId },
  seq: Counter,
  ...place,
  ...{ sender: BareId, senderId: BareId, from: BareId },
  to: Type.Optional(BareId),
  clientId: Type.Optional(ClientId),
  type: MessageType,
  content: Type.String(),
  text: Type.String(),
  attachments: Type.Array(Attached),
  replyTo: nullable(BareId),
  location: Type.Optional(Location),
  contact: Type.Optional(ContactCard),
  encryptedContent: Type.Optional(nullable(Type.String())),
  metadata: Type.Optional(Metadata),
  mentions: Type.Optional(Type.Array(BareId)),
  system: Type.Optional(SystemNote),
  quoted: Type.Optional(Quoted),
  reactions: Type.Array(Type.Object({ emoji: Emoji, userId: BareId })),
  reactionCounts: Type.Record(Type.String(), Type.Integer({ minimum: 1 })),
  isEdited: flag,
  editedAt: moment,
  isDeleted: flag,
  deletedAt: moment,
  updatedAt: Timestamp,
  createdAt: Timestamp,
  timestamp: Timestamp
})

const Participant = Type.Object({
  ...user,
  role: Role,
  joinedAt: Timestamp,
  deliveredUpTo: nullable(BareId),
  readUpTo: nullable(BareId)
})

export const Conversation = Type.Object({
  ...{ _id: BareId, id: BareId },
  ...place,
  type: {
    ...oneOf('direct', 'group', 'support', 'single'),
    description: '`single` is a direct one, at paths that apps of the kind `mobile` share.'
  },
  isGroup: flag,
  status: oneOf('active', 'open', 'waiting_user', 'resolved'),
  participantKey: text,
  name: text,
  description: text,
  avatar: text,
  avatarUrl: text,
  participants: Type.Array(Participant),
  members: Type.Array(Participant),
  memberCount: count,
  owner: nullable(BareId),
  admins: Type.Array(BareId),
  deliveredUpTo: nullable(BareId),
  readUpTo: nullable(BareId),
  isMuted: flag,
  isPinned: flag,
  isArchived: flag,
  unreadCount: count,
  lastMessage: nullable(Message),
  lastMessageAt: Timestamp,
  updatedAt: Timestamp,
  createdAt: Timestamp
})

const request = {
  ...{ _id: BareId, id: BareId, requestId: BareId },
  ...{ from: BareId, sender: BareId, to: BareId },
  message: Type.String(),
  status: oneOf('pending', 'accepted', 'declined', 'cancelled'),
  direction: oneOf('incoming', 'outgoing'),
  ...{ conversationId: nullable(BareId), conversation: nullable(BareId) },
  createdAt: Timestamp,
  updatedAt: Timestamp,
  user: nullable(User)
}
export const Request = Type.Object(request)

const scope = oneOf('me', 'everyone')
const one = <P extends TProperties>(fields: P) => granted(Type.Object(fields))

export const OneUser = granted(PresentUser)
export const Users = granted(Type.Array(PresentUser))
export const UserPage = pageOf(PresentUser)
export const TokenOwner = granted(Me)
export const Profile = granted(PresentMe)
/** The same at the root, where document 0 has this path too and says less of a person. */
export const ProvedProfile = granted(Type.Partial(Type.Object({ ...PresentMe.properties, publicKey: text })))
export const ChangedProfile = granted(ChangedMe)
export const SignedIn = one({
  token: Type.String(),
  refreshToken: Type.String(),
  expiresInMs: Type.Integer(),
  user: Me
})
export const SentCode = granted(CodeSent)
export const Presences = granted(Type.Array(Presence))
export const OnlineCount = one({ count })
export const Contacts = granted(Type.Array(Contact))
export const OneConversation = granted(Conversation)
export const ConversationPage = pageOf(Conversation)
export const DeletedConversation = one({ id: BareId, ...place, scope })
export const GoneGroup = one({ id: BareId })
/** The group, or its id where the caller has left it. */
export const RemovedMember = granted(Type.Union([Conversation, Type.Object({ id: BareId })]))
export const OneMessage = granted(Message)
export const MessagePage = pageOf(Message)
const Highlight = Type.Object({ start: count, end: count })
export const FoundPage = pageOf(
  Type.Object({
    ...Message.properties,
    snippet: Type.String(),
    highlights: Type.Array(Highlight),
    highlighted: { ...Type.String(), description: 'The snippet as HTML, with `<mark>` around what was found.' }
  }),
  Type.String()
)
export const DeletedMessage = one({ _id: BareId, id: BareId, messageId: BareId, ...place, scope })
export const OneRequest = one({ ...request, chat: Type.Optional(Conversation) })
export const RequestPage = pageOf(Request)
