import type { Words } from './meanings.ts'
import { walkFace } from './walk.ts'

/** By the other person, or a group by its own id. */
const params = ({ isGroup, conv, peer }: Words) => ({ otherUserId: isGroup ? conv : peer.hex })
const onMessage = (words: Words) => ({ ...params(words), messageId: words.theirs })
/** By its own id. */
const byId = ({ conv: otherUserId }: Words) => ({ otherUserId })
const text = ({ text }: Words) => ({ text })
const toPerson = ({ peer: { hex: to }, text }: Words) => ({ to, text })

await walkFace({
  name: 'taatom',
  routes: {
    'GET /api/v1/chat': { shows: 'other', where: 'direct' },
    'GET /api/v1/chat/:otherUserId': [
      { means: 'start', params },
      { shows: 'other', params, where: 'group' }
    ],
    'GET /api/v1/chat/:otherUserId/messages': [
      { shows: 'other', params },
      { shows: 'other', params: byId, where: 'direct' }
    ],
    'POST /api/v1/chat/:otherUserId/messages': [
      { means: 'send', params, body: text },
      { means: 'send', params: byId, body: text, where: 'direct' },
      { means: 'send', params, body: words => ({ text: words.text, replyTo: words.theirs }) },
      { means: 'start', params, body: text }
    ],
    'POST /api/v1/chat/:otherUserId/messages/:messageId/forward': {
      means: 'send',
      params: onMessage,
      body: words => ({ to: [words.isGroup ? `conv_${words.conv}` : words.peer.hex] })
    },
    'POST /api/v1/chat/:otherUserId/messages/:messageId/pin': [
      { means: 'pin', params: onMessage },
      { means: 'unpin', params: onMessage, body: () => ({ pinned: false }) }
    ],
    'GET /api/v1/chat/:otherUserId/pins': { shows: 'nothing', params },
    'DELETE /api/v1/chat/:otherUserId/messages': { means: 'clear', params },
    'POST /api/v1/chat/:otherUserId/mark-all-seen': { means: 'read', params, isLast: true },
    'POST /api/v1/chat/:otherUserId/mute': { means: 'keep', params, where: 'group' },
    'GET /api/v1/chat/:otherUserId/mute-status': { shows: 'nothing', params }
  },
  commands: {
    typing: { means: 'type', body: ({ peer: { hex: to } }) => ({ to }), where: 'direct' },
    seen: { means: 'read', body: ({ peer: { hex: to }, msg: messageId }) => ({ to, messageId }) },
    sendMessage: [
      { means: 'send', body: toPerson, where: 'direct' },
      { means: 'start', body: toPerson }
    ]
  }
})
