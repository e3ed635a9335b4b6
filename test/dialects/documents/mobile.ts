import { any, flag, id, is, maybe, number, object, type Shape, text, time, url } from './shape.ts'
import type { RestExample, SocketExample } from './walk.ts'

/** Document 0, `users`, as its owner sees it; `fcmTokens` are told to nobody. */
const publicUser = {
  ...{ _id: id, username: text, displayName: text, avatar: url, bio: text },
  ...{ status: is('online', 'offline', 'away'), lastSeen: maybe(time), publicKey: text },
  ...{ isActive: flag, isVerified: flag, createdAt: time }
}
const user = { ...publicUser, phoneNumber: text, email: text, updatedAt: time }

const attachment = {
  ...{ type: is('text', 'image', 'video', 'audio', 'file', 'call'), url, thumbnailUrl: url, fileName: text },
  ...{ fileSize: number, mimeType: text, duration: number, width: number, height: number }
}
const message = {
  ...{ _id: id, conversationId: id, senderId: id, content: text, encryptedContent: maybe(text) },
  type: is('text', 'image', 'video', 'audio', 'file', 'call'),
  attachments: any(attachment),
  // Who is known, when is not.
  reactions: any({ emoji: text, userId: id, createdAt: time }),
  readReceipts: any({ userId: id, readAt: time }),
  ...{ replyTo: maybe(id), isEdited: flag, isDeleted: flag, deletedAt: maybe(time), metadata: object },
  ...{ createdAt: time, updatedAt: time }
}
const full = { ...message, attachments: [attachment], replyTo: id, encryptedContent: text } as const

/** The one participant of the list who asks has all of it; how the others keep a chat is theirs. */
const participants: Shape = [
  {
    ...{ userId: id, joinedAt: time, lastReadMessageId: maybe(id), unreadCount: number },
    ...{ isMuted: flag, isPinned: flag }
  }
]
const conversation = {
  ...{ _id: id, type: is('single', 'group'), name: text, avatar: maybe(url), description: maybe(text), participants },
  // An object in place of its id: where two documents differ, an object satisfies both.
  ...{ admins: any(id), createdBy: maybe(id), lastMessage: maybe(message), lastMessageAt: time, isArchived: flag },
  ...{ createdAt: time, updatedAt: time }
}
const group = {
  ...conversation,
  type: is('group'),
  avatar: url,
  description: text,
  admins: [id],
  createdBy: id
} as const

const settings = {
  ...{ _id: id, userId: id, createdAt: time, updatedAt: time, blockedUsers: any(id) },
  notifications: { enabled: flag, messageNotifications: flag, groupNotifications: flag, sound: flag, vibration: flag },
  privacy: {
    lastSeen: is('everyone', 'contacts', 'nobody'),
    profilePhoto: is('everyone', 'contacts', 'nobody'),
    about: is('everyone', 'contacts', 'nobody')
  }
}

const answer = (data: Shape) => ({ success: is(true), data })
const kept = { conversationId: id, isMuted: flag, isPinned: flag, isArchived: flag }

/** Document 0, the endpoints, in an order in which each finds what it needs. */
export const MOBILE_CALLS: readonly RestExample[] = [
  {
    says: 'PUT /users/me',
    body: () => ({ displayName: 'Ann', bio: 'Hello', avatar: 'https://example.com/a.png', publicKey: 'key' }),
    answers: answer(user)
  },
  { says: 'GET /users/me', answers: answer(user) },
  { says: 'GET /users/{ben}', answers: answer(publicUser) },
  { says: 'PUT /users/me/status', body: () => ({ status: 'away' }), answers: answer({ status: is('away') }) },
  { says: 'GET /users/search?q=ben', answers: answer([publicUser]) },
  { says: 'PUT /users/me/fcm-token', body: () => ({ token: 'a-token-of-a-device' }), answers: answer(object) },
  {
    says: 'POST /users/me/blocked-users',
    body: ({ cleo }) => ({ userId: cleo.hex }),
    answers: answer({ userId: id })
  },
  {
    says: 'GET /users/me/blocked-users',
    answers: answer([{ userId: id, username: maybe(text), displayName: text, avatar: maybe(url), blockedAt: time }])
  },
  { says: 'GET /users/me/settings', answers: answer({ ...settings, blockedUsers: [id] }) },
  {
    says: 'PUT /users/me/settings',
    body: () => ({ notifications: { sound: false }, privacy: { about: 'contacts' } }),
    answers: answer({ ...settings, blockedUsers: [id] })
  },
  { says: 'DELETE /users/me/blocked-users/{cleo}', answers: answer({ userId: id }) },
  { says: 'GET /conversations', answers: answer([{ ...conversation, lastMessage: message }]) },
  { says: 'GET /conversations/{group}', answers: answer(conversation) },
  { says: 'POST /conversations/single', body: ({ ben }) => ({ userId: ben.hex }), answers: answer(conversation) },
  {
    says: 'POST /conversations/group',
    body: ({ ben }) => ({
      ...{ name: 'Walks', participants: [ben.hex], avatar: 'https://example.com/w.png', description: 'On Sundays' }
    }),
    answers: answer(group)
  },
  {
    says: 'PUT /conversations/{group}',
    body: () => ({ name: 'Talks', avatar: 'https://example.com/t.png', description: 'In the evening' }),
    answers: answer(group)
  },
  {
    says: 'PUT /conversations/{group}/participants',
    body: ({ cleo }) => ({ userIds: [cleo.hex] }),
    answers: answer(group)
  },
  { says: 'DELETE /conversations/{group}/participants/{cleo}', answers: answer(group) },
  { says: 'PUT /conversations/{direct}/mute', answers: answer({ ...kept, isMuted: is(true) }) },
  { says: 'GET /conversations/{direct}/messages', answers: answer([message]) },
  { says: 'GET /messages?conversationId={direct}', answers: answer([message]) },
  { says: 'DELETE /conversations/{direct}/messages', answers: answer({ conversationId: id }) },
  { says: 'DELETE /conversations/{direct}', answers: answer({ conversationId: id }) }
]

const place = { conversationId: id, messageId: id }
const reaction = { ...place, userId: id, emoji: text }
const about = ({ direct: conversationId, message: messageId }: { direct: string; message: string }) => ({
  ...{ conversationId, messageId }
})

/** Document 0, "Real-Time Features". */
export const MOBILE_SOCKET: readonly SocketExample[] = [
  {
    says: 'message:send',
    data: ({ direct, message: replyTo }) => ({
      ...{ conversationId: direct, type: 'image', content: 'Look', replyTo, encryptedContent: 'c2VjcmV0' },
      metadata: { colour: 'red' },
      attachments: [
        {
          ...{ type: 'image', url: 'https://example.com/1.png', thumbnailUrl: 'https://example.com/1t.png' },
          ...{ fileName: '1.png', fileSize: 12, mimeType: 'image/png', duration: 1.5, width: 640, height: 480 }
        }
      ]
    }),
    acknowledges: answer(full),
    tells: [{ name: 'message:new', shape: full }]
  },
  {
    says: 'message:edit',
    data: scene => ({ ...about(scene), content: 'Changed' }),
    acknowledges: answer({ ...message, isEdited: is(true) }),
    tells: [{ name: 'message:edited', shape: { ...message, isEdited: is(true), content: is('Changed') } }]
  },
  {
    says: 'message:reaction:add',
    by: 'ben',
    data: scene => ({ ...about(scene), emoji: '👍' }),
    acknowledges: answer(reaction),
    tells: [{ name: 'message:reaction:added', shape: reaction }]
  },
  {
    says: 'message:reaction:remove',
    by: 'ben',
    data: scene => ({ ...about(scene), emoji: '👍' }),
    acknowledges: answer(reaction),
    tells: [{ name: 'message:reaction:removed', shape: reaction }]
  },
  {
    says: 'typing:start',
    data: ({ direct }) => ({ conversationId: direct }),
    acknowledges: answer({ conversationId: id }),
    tells: [{ name: 'typing:start', shape: { conversationId: id, userId: id }, to: ['ben'] }]
  },
  {
    says: 'typing:stop',
    data: ({ direct }) => ({ conversationId: direct }),
    acknowledges: answer({ conversationId: id }),
    tells: [{ name: 'typing:stop', shape: { conversationId: id, userId: id }, to: ['ben'] }]
  },
  {
    says: 'message:read',
    by: 'ben',
    data: about,
    acknowledges: answer(place),
    tells: [{ name: 'message:read', shape: { ...place, userId: id } }]
  },
  {
    says: 'message:delete',
    data: scene => ({ ...about(scene), scope: 'everyone' }),
    acknowledges: answer(place),
    tells: [{ name: 'message:deleted', shape: place }]
  }
]

/** Told when somebody comes and goes. */
export const MOBILE_PRESENCE = { name: ['user:online', 'user:offline'], shape: { userId: id } } as const

/** A refusal, by REST and on the socket. */
export const MOBILE_REFUSALS = {
  rest: { success: is(false), error: { code: text, message: text }, message: text },
  socket: { error: { code: text, message: text } }
}
