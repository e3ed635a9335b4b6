import type { Words } from './meanings.ts'
import { walkFace } from './walk.ts'

const place = ({ conv: conversationId }: Words) => ({ conversationId })
const toPeer = ({ peer: { hex: to } }: Words) => ({ to })
const inPlace = (words: Words) => ({ ...place(words), content: words.text })
const answer = (words: Words) => ({ conversation: words.conv, text: words.text, replyTo: words.theirs })
const mention = (words: Words) => ({ ...inPlace(words), mentions: [words.peer.hex] })
const form = (words: Words) => ({ ...place(words), text: words.text })
const toPerson = (words: Words) => ({ ...toPeer(words), text: words.text })
const toPeople = ({ text: name, peer }: Words) => ({ name, members: [peer.hex] })
const userIds = ({ peer }: Words) => ({ userIds: [peer.hex] })

const sends = [
  { means: 'send', body: inPlace },
  { means: 'send', body: answer },
  { means: 'send', body: mention },
  { means: 'send', body: toPerson, where: 'direct' }
] as const
const sendsAll = [...sends, { means: 'start', body: toPerson }] as const
const people = [
  { finds: 'username', query: ({ sought: q }: Words) => ({ q }) },
  { finds: 'phone', query: ({ sought: q }: Words) => ({ q }) }
] as const

await walkFace({
  name: 'unified',
  routes: {
    'GET /auth/me': 'own',
    'GET /users': [
      { shows: 'other', where: 'direct' },
      { finds: 'all' },
      { finds: 'username', query: ({ sought: search }) => ({ search }) }
    ],
    'GET /users/search': people,
    'GET /users/profile': 'own',
    'GET /users/profile/:userId': { shows: 'other', as: 'apart', where: 'direct' },
    'POST /users/me/verify-otp': 'own',
    'PATCH /users/me': { means: 'introduce', body: ({ text: name }) => ({ name }) },
    'GET /users/by-ids': {
      shows: 'other',
      as: 'apart',
      query: ({ peer }) => ({ ids: peer.hex }),
      where: 'direct'
    },
    'GET /presence': {
      shows: 'other',
      as: 'stranger',
      query: ({ peer }) => ({ ids: peer.hex }),
      where: 'direct'
    },
    'GET /users/online/count': 'own',
    'POST /contacts/start-chat': [
      { means: 'start', body: ({ peer: { hex: userId } }) => ({ userId }) },
      { means: 'start', body: ({ peer: { phone } }) => ({ phone }), hasPhone: true }
    ],
    'POST /contacts/sync': { finds: 'phone', body: ({ sought }) => ({ contacts: [sought] }) },
    'POST /chat-requests': { means: 'ask', body: toPeer },
    'GET /chat-requests': { shows: 'other', where: 'direct' },
    'POST /chat-requests/:id/accept': { means: 'accept' },
    'POST /chat-requests/:id/decline': { means: 'decline' },
    'GET /conversations': { shows: 'other', where: 'direct' },
    'POST /conversations': [
      { means: 'start', body: ({ peer }) => ({ participants: [peer.hex] }) },
      { means: 'invite', body: toPeople }
    ],
    'GET /conversations/:id': { shows: 'other' },
    'DELETE /conversations/:id': [{ means: 'clear' }, { means: 'end', query: () => ({ scope: 'everyone' }) }],
    'GET /groups': { shows: 'other', where: 'group' },
    'POST /groups': { means: 'invite', body: toPeople },
    'GET /groups/:id': { shows: 'other', where: 'group' },
    'PUT /groups/:id': { means: 'rename', body: ({ text: name }) => ({ name }) },
    'DELETE /groups/:id': { means: 'end' },
    'POST /groups/:id/members': { means: 'invite', body: userIds },
    'DELETE /groups/:id/members/:userId': { means: 'end' },
    'POST /groups/:id/leave': { means: 'manage' },
    'PUT /groups/:id/admins': { means: 'manage', body: userIds },
    'POST /messages': sendsAll,
    'GET /messages': [
      { shows: 'nothing', query: place },
      { shows: 'nothing', query: ({ peer }) => ({ with: peer.hex }), where: 'direct' }
    ],
    'POST /messages/upload': { means: 'send', body: form },
    'POST /messages/voice': { means: 'send', body: form },
    'GET /messages/search': { shows: 'nothing', query: words => ({ ...place(words), sender: words.peer.hex }) },
    'PATCH /messages/:id': { means: 'edit', body: ({ text }) => ({ text }) },
    'DELETE /messages/:id': [{ means: 'remove', query: () => ({ scope: 'everyone' }) }, { means: 'keep' }],
    'POST /messages/:id/reactions': { means: 'react' },
    'DELETE /messages/:id/reactions/:emoji': { means: 'unreact' }
  },
  commands: {
    'send-message': sends,
    message: sendsAll,
    delivered: { means: 'deliver', body: words => ({ ...place(words), deliveredUpTo: words.msg }) },
    read_up_to: { means: 'read', body: words => ({ ...place(words), readUpTo: words.msg }) },
    typing: [
      { means: 'type', body: place },
      { means: 'type', body: toPeer, where: 'direct' },
      { means: 'stopTyping', body: words => ({ ...place(words), isTyping: false }) }
    ],
    'typing-stopped': [
      { means: 'stopTyping', body: place },
      { means: 'stopTyping', body: toPeer, where: 'direct' }
    ]
  }
})
