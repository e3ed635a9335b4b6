import { any, flag, id, idOf, is, maybe, number, object, type Shape, text, time, url } from './shape.ts'
import type { RestExample, SocketExample } from './walk.ts'

const [userId, conversationId, messageId] = [idOf('user'), idOf('conv'), idOf('msg')]

/** Document 2, "Message Response" and the schema of messages. */
const chatappMessage = {
  ...{ messageId, conversationId, senderId: userId, text, createdAt: time, updatedAt: time },
  type: is('text', 'image', 'video', 'audio', 'file', 'location'),
  status: is('sent', 'delivered', 'read'),
  reactions: any({ userId, emoji: text, createdAt: time })
}
const media = { url, thumbnail: url, mimeType: text, size: number, duration: number }

/** Document 2, "Conversation Response" and the schema of conversations. */
const chatappConversation = {
  conversationId,
  type: is('direct', 'group'),
  ...{ name: text, avatar: text, createdAt: time, updatedAt: time, unreadCount: number },
  participants: [{ userId, displayName: text, avatar: text, joinedAt: time, lastReadMessageId: maybe(messageId) }],
  lastMessage: { messageId, text, senderId: userId, timestamp: time }
} as const

/** Document 2, the schema of users. */
const chatappUser = {
  ...{ userId, displayName: text, avatar: text, status: text, isOnline: flag, lastSeen: maybe(time), createdAt: time }
}
const chatappSelf = {
  ...{ ...chatappUser, phoneNumber: text, updatedAt: time },
  settings: { notifications: flag, theme: is('light', 'dark'), language: text }
}

export const CHATAPP_CALLS: readonly RestExample[] = [
  { says: 'GET /api/conversations', answers: [chatappConversation] },
  { says: 'GET /api/conversations/conv_{direct}', answers: chatappConversation },
  { says: 'GET /api/conversations/{group}', answers: { ...chatappConversation, createdBy: userId } },
  {
    says: 'POST /api/messages',
    body: ({ direct, message }) => ({
      ...{ conversationId: `conv_${direct}`, text: 'Look', type: 'video', replyTo: `msg_${message}` },
      media: {
        ...{ url: 'https://example.com/1.mp4', thumbnail: 'https://example.com/1.png', mimeType: 'video/mp4' },
        ...{ size: 12, duration: 1.5 }
      }
    }),
    answers: { ...chatappMessage, type: is('video'), media, replyTo: messageId, status: is('sent') }
  },
  { says: 'GET /api/messages/conv_{direct}', answers: [chatappMessage] },
  { says: 'GET /api/users/{ben}', answers: chatappUser },
  { says: 'GET /api/users/{ann}', answers: chatappSelf },
  { says: 'PUT /api/users/{ann}', body: () => ({ settings: { theme: 'dark', language: 'de' } }), answers: chatappSelf },
  {
    says: 'PUT /api/users/{ann}/status',
    body: () => ({ isOnline: true }),
    answers: { userId, isOnline: flag, status: text }
  }
]

export const CHATAPP_MESSAGE: Shape = {
  ...{ messageId, conversationId, senderId: userId, text, type: is('text'), createdAt: time }
}
export const CHATAPP_LOGIN: Shape = {
  ...{ success: is(true), userId, token: text, refreshToken: text, message: is('Logged in via QR') }
}

/** Document 3, "Message Schema" and "Conversation Metadata Schema". */
const reals2chatMessage = {
  ...{ _id: id, conversationId: id, senderId: id, recipientId: id, text, createdAt: time },
  status: is('sent', 'delivered', 'read')
}
const attachment = { type: is('image', 'video', 'file'), url }
const metadata = {
  ...{ _id: id, userId: id, otherUserId: id, isPinned: flag, isBlocked: flag, customRingtone: text, isFavorite: flag }
}
const sent = ({ ben }: { ben: { hex: string } }) => ({
  ...{ recipientId: ben.hex, text: 'Hello there!' },
  attachment: { type: 'image', url: 'https://example.com/image.jpg' }
})

export const REALS2CHAT_CALLS: readonly RestExample[] = [
  {
    says: 'GET /api/friends',
    answers: { success: is(true), friends: [{ _id: id, name: text, photoURL: url, isOnline: flag, lastSeen: time }] }
  },
  { says: 'GET /api/messages/{ben}', answers: { success: is(true), messages: [reals2chatMessage] } },
  {
    says: 'POST /api/messages/send',
    body: sent,
    answers: { success: is(true), message: { ...reals2chatMessage, attachment } },
    tells: [{ name: 'receiveMessage', shape: { ...reals2chatMessage, attachment }, to: ['ben'] }]
  },
  {
    says: 'PUT /api/conversations/{ben}/metadata',
    body: () => ({ isPinned: true, isBlocked: false, customRingtone: 'ringtone_url', isFavorite: true }),
    answers: { success: is(true), ...metadata, isPinned: is(true), customRingtone: is('ringtone_url') }
  }
]

const typingStatus = (isTyping: boolean) => ({ name: 'typingStatus', shape: { senderId: id, isTyping: is(isTyping) } })

export const REALS2CHAT_SOCKET: readonly SocketExample[] = [
  {
    says: 'sendMessage',
    data: sent,
    acknowledges: { success: is(true), message: { ...reals2chatMessage, attachment } },
    tells: [{ name: 'receiveMessage', shape: { ...reals2chatMessage, attachment }, to: ['ben'] }]
  },
  {
    says: 'typing',
    data: ({ ben }) => ({ recipientId: ben.hex }),
    acknowledges: object,
    tells: [{ ...typingStatus(true), to: ['ben'] }]
  },
  {
    says: 'stopTyping',
    data: ({ ben }) => ({ recipientId: ben.hex }),
    acknowledges: object,
    tells: [{ ...typingStatus(false), to: ['ben'] }]
  }
]
export const REALS2CHAT_PRESENCE: Shape = { userId: id, isOnline: flag, lastSeen: time }
export const REALS2CHAT_REFUSAL: Shape = { success: is(false), message: text }

/** Document 4, "Request/Response Examples" and the interface of its service. */
const taatomMessage = { _id: id, sender: id, text, timestamp: time, seen: flag }
const chat = {
  participants: [{ _id: id, fullName: text, profilePic: text, isVerified: flag }],
  ...{ _id: id, messages: any(taatomMessage), updatedAt: time, createdAt: time },
  ...{ type: is('user_chat', 'group_chat', 'admin_support'), status: is('open', 'waiting_user', 'resolved') }
} as const
const says = (message: string, data: Shape) => ({ success: is(true), message: is(message), data })
const muted = (is: Shape) => ({ success: flag, message: text, muted: is, data: { muted: is } })

export const TAATOM_CALLS: readonly RestExample[] = [
  { says: 'GET /api/v1/chat', answers: says('Chats fetched successfully', { chats: [chat] }) },
  { says: 'GET /api/v1/chat/{ben}', answers: { success: is(true), data: { chat } } },
  { says: 'GET /api/v1/chat/{ben}/messages', answers: { success: is(true), data: { messages: [taatomMessage] } } },
  {
    says: 'POST /api/v1/chat/{ben}/messages',
    body: () => ({ text: 'Hello, how are you?' }),
    answers: says('Message sent successfully', { message: { ...taatomMessage, seen: is(false) } }),
    tells: [{ name: 'message:new', shape: { chatId: id, message: taatomMessage }, to: ['ben'] }]
  },
  {
    says: 'POST /api/v1/chat/{ann}/mark-all-seen',
    by: 'ben',
    answers: { success: is(true), message: text },
    tells: [{ name: 'seen', shape: { from: id, messageId: id }, to: ['ann'] }]
  },
  { says: 'POST /api/v1/chat/{ben}/mute', answers: muted(is(true)) },
  { says: 'GET /api/v1/chat/{ben}/mute-status', answers: muted(is(true)) },
  { says: 'DELETE /api/v1/chat/{ben}/messages', answers: { success: is(true), message: text } }
]

const told = { chatId: id, message: taatomMessage }

export const TAATOM_SOCKET: readonly SocketExample[] = [
  {
    says: 'sendMessage',
    data: ({ ben }) => ({ to: ben.hex, text: 'Hello' }),
    acknowledges: told,
    tells: [
      { name: 'message:new', shape: told, to: ['ben'] },
      { name: 'message:sent', shape: told, to: ['ann'] },
      { name: 'chat:update', shape: { chatId: id, lastMessage: text, timestamp: time } }
    ]
  },
  {
    says: 'typing',
    data: ({ ben }) => ({ to: ben.hex }),
    acknowledges: object,
    tells: [{ name: 'typing', shape: { from: id }, to: ['ben'] }]
  },
  {
    says: 'seen',
    by: 'ben',
    data: ({ ann, message, direct }) => ({ to: ann.hex, messageId: message, chatId: direct }),
    acknowledges: object,
    tells: [{ name: 'seen', shape: { from: id, messageId: id }, to: ['ann'] }]
  }
]
export const TAATOM_PRESENCE: Shape = { userId: id }
