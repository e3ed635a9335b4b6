import type { Words } from './meanings.ts'
import { walkFace } from './walk.ts'

const recipient = ({ peer: { hex: recipientId } }: Words) => ({ recipientId })
const toPerson = (words: Words) => ({ ...recipient(words), text: words.text })
const peer = ({ peer: { hex: otherUserId } }: Words) => ({ otherUserId })
const sends = [
  { means: 'send', body: toPerson, where: 'direct' },
  { means: 'start', body: toPerson }
] as const

await walkFace({
  name: 'reals2chat',
  block: {
    key: 'PUT /api/conversations/:otherUserId/metadata',
    undo: 'PUT /api/conversations/:otherUserId/metadata',
    body: isBlocked => ({ isBlocked })
  },
  routes: {
    'GET /api/friends': { shows: 'other', where: 'direct' },
    'POST /api/messages/send': sends,
    'PUT /api/conversations/:otherUserId/metadata': [
      { means: 'keep', body: () => ({ isPinned: true }), where: 'direct' },
      // Makes the conversation.
      { means: 'start', body: () => ({ isFavorite: true }) }
    ],
    'GET /api/messages/:otherUserId': [
      { means: 'read', params: peer, where: 'direct' },
      { shows: 'other', params: peer, where: 'direct' }
    ]
  },
  commands: {
    sendMessage: sends,
    typing: { means: 'type', body: recipient, where: 'direct' },
    stopTyping: { means: 'stopTyping', body: recipient, where: 'direct' }
  }
})
