import { any, flag, id, is, maybe, nothing, number, object, type Shape, text, time, url } from './shape.ts'
import type { RestExample, SocketExample } from './walk.ts'

/** Document 1, "Responses": the one form of every body. */
const answer = (data: Shape) => ({ success: is(true), data, error: nothing, message: text })
const page = (data: Shape) => ({ ...answer(data), pagination: { limit: number, hasMore: flag } })

/** Document 1, "Users": each id and picture under every name. */
const userIds = { id, uid: id, userId: id }
const user = { ...userIds, avatar: url, avatarUrl: url, name: text, displayName: text }
const seen = { ...user, online: flag, status: is('online', 'away', 'offline'), lastSeen: maybe(time) }
const signedIn = answer({ token: text, refreshToken: text, user: { ...userIds, phone: text, name: text } })

/** Document 1, "Messages": both apps’ names of a message’s fields. */
const message = {
  ...{ id, messageId: id, conversationId: id, conversation: id, from: id, sender: id, text, content: text, type: text },
  ...{ attachments: any(object), reactions: any({ emoji: text, userId: id }), replyTo: maybe(id) },
  ...{ isEdited: flag, isDeleted: flag, createdAt: time, updatedAt: time }
}
const attachment = { type: is('image'), url, name: text, fileName: text, size: number, fileSize: number }
/** In a chat of two also whom it is to. */
const direct = { ...message, to: id }

/** Document 1, "Conversations". */
const people: Shape = [{ ...userIds, name: text, deliveredUpTo: maybe(id), readUpTo: maybe(id) }]
const conversation = {
  ...{ id, conversationId: id, conversation: id, participants: people, members: people },
  ...{ status: text, participantKey: maybe(text), deliveredUpTo: maybe(id), readUpTo: maybe(id), unreadCount: number },
  ...{ lastMessage: maybe(message), createdAt: time, updatedAt: time }
}
const pair = { ...conversation, participantKey: text }
const group = { ...conversation, name: text, owner: id, admins: [id] } as const

const request = {
  ...{ id, requestId: id, from: id, sender: id, to: id, message: text, direction: is('incoming', 'outgoing') },
  ...{ status: is('pending', 'accepted', 'declined'), conversationId: maybe(id), conversation: maybe(id) },
  ...{ createdAt: time, updatedAt: time }
}

const peopleCalls: readonly RestExample[] = [
  { says: 'GET /auth/me', answers: answer({ ...user, phone: text, email: text }) },
  { says: 'GET /users', answers: page([{ ...seen, avatar: maybe(url), avatarUrl: maybe(url) }]) },
  { says: 'GET /users?search=ben&page=1&limit=5', answers: page([seen]) },
  { says: 'GET /users/search?q=ben', answers: page([seen]) },
  { says: 'GET /users/profile', answers: answer(user) },
  { says: 'GET /users/profile/{ben}', answers: answer(seen) },
  {
    says: 'PATCH /users/me',
    body: () => ({ name: 'Anna', avatar: 'https://example.com/1.png' }),
    answers: answer({ ...user, name: is('Anna'), avatarUrl: is('https://example.com/1.png') }),
    tells: [{ name: 'user_profile_updated', shape: { ...userIds, name: is('Anna') } }]
  },
  {
    says: 'PATCH /users/me',
    body: () => ({ displayName: 'Ann', avatarUrl: 'https://example.com/2.png' }),
    answers: answer({ ...user, name: is('Ann'), avatar: is('https://example.com/2.png') })
  },
  { says: 'GET /users/by-ids?ids={ben},{cleo}', answers: answer([{ ...userIds, name: text }]) },
  {
    says: 'GET /presence?ids={ben},{cleo}',
    answers: answer([{ userId: id, online: flag, status: text, lastSeen: maybe(time) }])
  },
  { says: 'GET /users/online/count', answers: answer({ count: number }) }
]

const messageCalls: readonly RestExample[] = [
  {
    says: 'POST /messages',
    body: ({ direct: conversationId }) => ({ conversationId, content: 'In the words of the one' }),
    answers: answer(direct),
    tells: [{ name: 'receive-message', shape: direct }]
  },
  {
    says: 'POST /messages',
    body: ({ ben, ann }) => ({ from: ann.hex, to: ben.hex, text: 'In the words of the other' }),
    answers: answer(direct),
    tells: [{ name: 'receive-message', shape: direct }]
  },
  {
    says: 'POST /messages',
    body: ({ ann, direct: conversation, message: replyTo }) => ({
      ...{ sender: ann.hex, conversation, text: 'With a picture', replyTo, type: 'image' },
      attachments: [{ type: 'image', url: 'https://example.com/1.png', name: '1.png', size: 12 }]
    }),
    answers: answer({ ...direct, replyTo: id, attachments: [attachment] }),
    tells: [{ name: 'receive-message', shape: { ...direct, attachments: [attachment] } }]
  },
  { says: 'GET /messages?conversationId={direct}&page=1&limit=2', answers: page([direct]) },
  { says: 'GET /messages?conversation={direct}&before={message}', answers: page(any(direct)) },
  { says: 'GET /messages?with={ben}', answers: page([direct]) },
  {
    says: 'PATCH /messages/{message}',
    body: () => ({ text: 'Changed' }),
    answers: answer({ ...direct, isEdited: is(true), content: is('Changed'), text: is('Changed') }),
    tells: [{ name: 'message_edited', shape: { ...direct, isEdited: is(true), text: is('Changed') } }]
  },
  {
    says: 'POST /messages/{message}/reactions',
    by: 'ben',
    body: () => ({ emoji: '👍' }),
    answers: answer({ ...direct, reactions: [{ emoji: text, userId: id }] }),
    tells: [{ name: 'message_reaction', shape: { messageId: id, conversationId: id, userId: id, emoji: text } }]
  },
  { says: 'DELETE /messages/{message}/reactions/%F0%9F%91%8D', by: 'ben', answers: answer(direct) }
]

const conversationCalls: readonly RestExample[] = [
  { says: 'GET /conversations', answers: page([conversation]) },
  { says: 'GET /conversations/{direct}', answers: answer(pair) },
  { says: 'POST /conversations', body: ({ ben }) => ({ participants: [ben.hex] }), answers: answer(pair) },
  { says: 'POST /conversations', body: ({ ben }) => ({ members: [ben.hex] }), answers: answer(pair) },
  { says: 'POST /contacts/start-chat', body: ({ ben }) => ({ userId: ben.hex }), answers: answer(pair) },
  {
    says: 'POST /chat-requests',
    body: ({ stranger }) => ({ to: stranger.hex, message: 'May I?' }),
    answers: answer({ ...request, status: is('pending') })
  },
  { says: 'GET /chat-requests', answers: page([request]) },
  {
    says: 'POST /contacts/sync',
    body: ({ phoneOfBen }) => ({ contacts: [phoneOfBen, { phone: phoneOfBen, name: 'Ben' }] }),
    answers: answer([{ ...seen, phone: text, contactName: maybe(text) }])
  }
]

const groupCalls: readonly RestExample[] = [
  { says: 'GET /groups', answers: page([group]) },
  { says: 'POST /groups', body: ({ ben }) => ({ name: 'Walks', members: [ben.hex] }), answers: answer(group) },
  { says: 'GET /groups/{group}', answers: answer(group) },
  { says: 'PUT /groups/{group}', body: () => ({ name: 'Talks' }), answers: answer({ ...group, name: is('Talks') }) },
  { says: 'POST /groups/{group}/members', body: ({ cleo }) => ({ userIds: [cleo.hex] }), answers: answer(group) },
  { says: 'PUT /groups/{group}/admins', body: ({ ben }) => ({ userIds: [ben.hex] }), answers: answer(group) },
  { says: 'DELETE /groups/{group}/members/{cleo}', answers: answer(group) },
  { says: 'POST /groups/{group}/leave', by: 'ben', answers: answer({ id }) },
  { says: 'DELETE /groups/{group}', answers: answer({ id }) }
]

const endingCalls: readonly RestExample[] = [
  {
    says: 'DELETE /messages/{message}?scope=everyone',
    answers: answer({ messageId: id, conversationId: id, conversation: id }),
    tells: [{ name: 'message_deleted', shape: { messageId: id, conversationId: id, conversation: id } }]
  },
  { says: 'DELETE /conversations/{direct}', answers: answer({ conversationId: id, conversation: id }) }
]

/** Document 1, the endpoints, in an order in which each finds what it needs. */
export const UNIFIED_CALLS: readonly RestExample[] = [
  ...[...peopleCalls, ...messageCalls, ...conversationCalls],
  ...[...groupCalls, ...endingCalls]
]

/** Document 1, "Authentication System": without a token. */
export const UNIFIED_SIGNED_IN = signedIn
export const UNIFIED_CODE_SENT = answer(object)
export const UNIFIED_REFUSAL = {
  success: is(false),
  data: nothing,
  error: { code: text, message: text },
  message: text
}

const typing = { conversationId: id, conversation: id, userId: id, from: id }
const receipt = { conversationId: id, conversation: id, userId: id }

/** Document 1, "Socket Events". */
export const UNIFIED_SOCKET: readonly SocketExample[] = [
  {
    says: 'send-message',
    data: ({ direct: conversationId }) => ({ conversationId, content: 'In the words of the one' }),
    acknowledges: direct,
    tells: [
      { name: 'receive-message', shape: direct },
      { name: 'delivered', shape: { ...receipt, deliveredUpTo: id }, to: ['ann'] }
    ]
  },
  {
    says: 'message',
    data: ({ ben }) => ({ to: ben.hex, text: 'In the words of the other' }),
    acknowledges: direct,
    tells: [{ name: 'receive-message', shape: direct }]
  },
  {
    says: 'delivered',
    by: 'ben',
    data: ({ direct: conversationId, message: deliveredUpTo }) => ({ conversationId, deliveredUpTo }),
    acknowledges: { ...receipt, deliveredUpTo: id, readUpTo: maybe(id) }
  },
  {
    says: 'read_up_to',
    by: 'ben',
    data: ({ direct: conversationId, message: readUpTo }) => ({ conversationId, readUpTo }),
    acknowledges: { ...receipt, readUpTo: id },
    tells: [{ name: 'read_up_to', shape: { ...receipt, readUpTo: id }, to: ['ann'] }]
  },
  {
    says: 'typing',
    data: ({ direct: conversationId }) => ({ conversationId }),
    acknowledges: object,
    tells: [{ name: 'typing', shape: { ...typing, isTyping: is(true) }, to: ['ben'] }]
  },
  {
    says: 'typing-stopped',
    data: ({ ben }) => ({ to: ben.hex }),
    acknowledges: object,
    tells: [{ name: 'typing-stopped', shape: { ...typing, isTyping: is(false) }, to: ['ben'] }]
  }
]

/** Told when somebody comes and goes, when what was waiting for them has arrived, and when somebody asks to talk. */
export const UNIFIED_PRESENCE: Shape = { userId: id, online: flag, status: text, lastSeen: maybe(time) }
export const UNIFIED_CATCH_UP: Shape = { ...receipt, deliveredUpTo: id }
export const UNIFIED_REQUEST: Shape = request
