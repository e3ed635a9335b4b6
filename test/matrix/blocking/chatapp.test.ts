import type { Words } from './meanings.ts'
import { walkFace } from './walk.ts'

const place = ({ conv }: Words) => ({ conversationId: `conv_${conv}` })
const toPerson = ({ peer: { id: to }, text }: Words) => ({ to, type: 'text', text })
const answer = (words: Words) => ({ ...place(words), text: words.text, replyTo: `msg_${words.theirs}` })
const self = ({ actor: { id } }: Words) => ({ id })

const sends = [
  { means: 'send', body: (words: Words) => ({ ...place(words), type: 'text', text: words.text }) },
  { means: 'send', body: answer },
  { means: 'send', body: toPerson, where: 'direct' },
  { means: 'start', body: toPerson }
] as const

await walkFace({
  name: 'chatapp',
  routes: {
    'POST /api/auth/qr/:token/approve': 'own',
    'GET /api/users/:id': { shows: 'other', as: 'apart', where: 'direct' },
    'PUT /api/users/:id': {
      means: 'introduce',
      params: self,
      body: ({ text: displayName }) => ({ displayName })
    },
    'PUT /api/users/:id/status': [
      { means: 'show', params: self, body: () => ({ status: 'offline' }) },
      { means: 'show', params: self, body: () => ({ isOnline: false }) }
    ],
    'PUT /api/users/:id/settings': { means: 'keep', params: self, where: 'direct' },
    'GET /api/conversations': { shows: 'other', where: 'direct' },
    'GET /api/conversations/:id': { shows: 'other' },
    'POST /api/messages': sends,
    'POST /api/messages/:id/reactions': { means: 'react' },
    'DELETE /api/messages/:id/reactions/:emoji': { means: 'unreact' },
    'DELETE /api/messages/:id': [{ means: 'remove' }, { means: 'keep', query: () => ({ scope: 'me' }) }],
    'GET /api/messages/:id': [{ means: 'read', isLast: true }, { shows: 'other' }]
  },
  commands: {
    'message:send': sends,
    'message:read': { means: 'read', body: ({ msg }) => ({ messageId: `msg_${msg}` }) },
    'typing:start': { means: 'type', body: place },
    'typing:stop': { means: 'stopTyping', body: place }
  }
})
