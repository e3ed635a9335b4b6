import { type Static, Type } from '@sinclair/typebox'
import { Origin } from '../forwarding/entities.ts'
import { ConversationId, MessageId, UserId } from '../ids.ts'
import { Pin } from '../pins/entities.ts'
import { LinkPreview } from '../previews/entities.ts'
import { Reaction } from '../reactions/entities.ts'
import { Counter, closed, oneOf, PLAIN_TEXT, Timestamp, WebAddress, withExamples } from '../schema.ts'

/** Fields that name one message. */
export const MessageRef = { conversationId: ConversationId, messageId: MessageId }

/** Type of a message. The server alone writes `call` and `system`. */
export const MessageType = oneOf(
  'text',
  'image',
  'video',
  'audio',
  'voice',
  'file',
  'location',
  'contact',
  'call',
  'system'
)
export type MessageType = Static<typeof MessageType>

/** Address to fetch something from: http or https. */
export const Url = WebAddress

const pixels = Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 }))

/** Loudness over time. */
export const Waveform = Type.Array(Type.Number({ minimum: -1e6, maximum: 1e6 }), { maxItems: 256 })

/**
 * A file that belongs to a message: one that was uploaded here, whose `url` is one of its addresses, or one that is
 * elsewhere. Of the former the server says what there is to say, and gives each reader an address of their own.
 * Durations are seconds, with fractions; `waveform` is loudness over time, which the client says where the server does
 * not know it, `thumbhash` a blurred picture.
 */
export const Attachment = closed({
  type: oneOf('image', 'video', 'audio', 'voice', 'file'),
  url: Url,
  thumbnailUrl: Type.Optional(Url),
  previewUrl: Type.Optional(Url),
  thumbhash: Type.Optional(Type.String({ maxLength: 64, pattern: '^[A-Za-z0-9+/=]*$' })),
  fileName: Type.Optional(Type.String({ maxLength: 255, pattern: PLAIN_TEXT })),
  fileSize: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  mimeType: Type.Optional(Type.String({ maxLength: 127, pattern: '^[\\x21-\\x7e]+( *;[\\x20-\\x7e]*)?$' })),
  durationSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 1_000_000 })),
  width: pixels,
  height: pixels,
  waveform: Type.Optional(Waveform)
})
export type Attachment = Static<typeof Attachment>

/** A place on earth, degrees. */
export const Location = closed({
  latitude: Type.Number({ minimum: -90, maximum: 90 }),
  longitude: Type.Number({ minimum: -180, maximum: 180 }),
  name: Type.Optional(Type.String({ maxLength: 256, pattern: PLAIN_TEXT }))
})
export type Location = Static<typeof Location>

/** A person's card. */
export const ContactCard = closed({
  name: Type.String({ minLength: 1, maxLength: 128, pattern: PLAIN_TEXT }),
  phones: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 32, pattern: PLAIN_TEXT }), { maxItems: 10 })
  ),
  userId: Type.Optional(UserId)
})
export type ContactCard = Static<typeof ContactCard>

/** Data of the client, kept as it is; JSON, at most 4 KiB and four levels deep. */
export const Metadata = Type.Unsafe<Record<string, unknown>>(
  Type.Object({}, { additionalProperties: true, maxProperties: 64 })
)

/** The most people that one message mentions, and ranges that do. */
export const MAX_MENTIONS = 50

/**
 * Part of a text that mentions a person, or everyone in the group. Offset and length are UTF-16 code units of `text`; a
 * range ends within it and between whole characters, and no two overlap.
 */
export const MentionRange = closed({
  offset: Type.Integer({ minimum: 0, maximum: 16_383 }),
  length: Type.Integer({ minimum: 1, maximum: 16_384 }),
  userId: Type.Optional({ ...UserId, description: 'Whom it mentions; this or `everyone`.' }),
  everyone: Type.Optional(Type.Boolean())
})
export type MentionRange = Static<typeof MentionRange>

/** Where a text mentions whom, in its order. */
export const MentionRanges = Type.Array(MentionRange, {
  maxItems: MAX_MENTIONS,
  description: 'Where the text mentions whom; those of people who are no members are left out.'
})

/** Content of a message besides its text. */
export const content = {
  attachments: Type.Optional(Type.Array(Attachment, { maxItems: 10 })),
  location: Type.Optional(Location),
  contact: Type.Optional(ContactCard),
  encryptedContent: Type.Optional(
    Type.String({ minLength: 1, maxLength: 61_440, description: 'Opaque to the server; takes the place of `text`.' })
  ),
  metadata: Type.Optional(Metadata),
  mentions: Type.Optional(
    Type.Array(UserId, {
      maxItems: MAX_MENTIONS,
      description: 'Members only; others are left out. Those of `mentionRanges` are among them.'
    })
  ),
  mentionRanges: Type.Optional(MentionRanges),
  mentionsEveryone: Type.Optional(
    Type.Boolean({ description: 'Everyone in the group is mentioned; for its admins to say.' })
  )
}

/** Whether the link of a message gets no preview. */
export const NoPreview = Type.Boolean({ description: 'Its link gets no preview.' })

/** A change of the conversation that a `system` message records; `actorId` made it. */
export const SystemNote = closed({
  kind: oneOf('created', 'added', 'removed', 'left', 'role', 'renamed', 'changed', 'settings', 'expiry', 'pinned'),
  actorId: UserId,
  userIds: Type.Optional(Type.Array(UserId, { maxItems: 20, description: 'Whom it concerns; the first twenty.' })),
  userCount: Type.Optional(Type.Integer({ minimum: 1, description: 'How many it concerns.' })),
  name: Type.Optional(Type.String({ description: 'The new name.' })),
  role: Type.Optional(oneOf('owner', 'admin', 'member')),
  expireAfterSeconds: Type.Optional(Type.Integer({ minimum: 0, description: 'The new timer; 0: messages stay.' })),
  messageId: Type.Optional({ ...MessageId, description: 'The message that was pinned.' })
})
export type SystemNote = Static<typeof SystemNote>

const KEY = '[A-Za-z0-9._:+/=-]{1,64}'

/** Chosen by the client, unique for the sender in the conversation; a repeat answers the first message. */
export const ClientId = Type.String({ minLength: 1, maxLength: 64, pattern: `^${KEY}$`, examples: ['first'] })

/** The same as a header: bare, or in quotes as structured headers write text (draft-ietf-httpapi-idempotency-key-header). */
export const IdempotencyKey = Type.String({
  minLength: 1,
  maxLength: 66,
  pattern: `^(?:${KEY}|"${KEY}")$`,
  examples: ['first']
})

/** The key of such a header, as a `clientId`. */
export function bareKey(header: string): string {
  return header.replaceAll('"', '')
}

/** Up to 16 KiB of UTF-8 (`textBytes`); the length here only bounds the work of checking. */
export const Text = Type.String({
  minLength: 1,
  maxLength: 16_384,
  pattern: PLAIN_TEXT,
  examples: ['Are you there?']
})

/** Longest text of a quote, UTF-16 units. */
export const MAX_QUOTE_LENGTH = 256

/** The answered message as it is now: its ids, and the rest as far as the reader sees it. */
export const Quote = closed({
  messageId: MessageId,
  senderId: UserId,
  type: Type.Optional(MessageType),
  text: Type.Optional(Type.String({ maxLength: MAX_QUOTE_LENGTH, description: 'The beginning of its present text.' })),
  deleted: Type.Optional(Type.Boolean({ description: 'Deleted for everyone.' }))
})
export type Quote = Static<typeof Quote>

/**
 * A message, as it is now. `seq` is its place in the conversation, for ever; `rev` the conversation's change that
 * it was last touched by. A deleted message stays as a tombstone: no content, no reactions, no pin, `deletedAt`. A `system`
 * message records a change of the conversation; it is never unread.
 */
export const Message = withExamples(
  closed({
    id: MessageId,
    conversationId: ConversationId,
    seq: Counter,
    rev: Counter,
    senderId: UserId,
    clientId: Type.Optional(ClientId),
    type: MessageType,
    text: Type.Optional(Type.String()),
    ...content,
    system: Type.Optional(SystemNote),
    replyTo: Type.Optional(Quote),
    forwarded: Type.Optional(Origin),
    preview: Type.Optional(LinkPreview),
    reactions: Type.Array(Reaction),
    pinned: Type.Optional(Pin),
    createdAt: Timestamp,
    editedAt: Type.Optional(Timestamp),
    expiresAt: Type.Optional({ ...Timestamp, description: 'When it goes by itself, as if deleted for everyone.' }),
    deletedAt: Type.Optional(Timestamp)
  }),
  {
    id: 'msg_64b7f0c2a1d3e4f5a6b7c8d9',
    conversationId: 'conv_64b7f0c2a1d3e4f5a6b7c8d9',
    seq: 1,
    rev: 2,
    senderId: 'user_64b7f0c2a1d3e4f5a6b7c8d9',
    clientId: 'first',
    type: 'text',
    text: 'Are you there?',
    reactions: [],
    createdAt: '2026-11-21T09:30:00.000Z'
  }
)
export type Message = Static<typeof Message>
