import type { Words } from './meanings.ts'
import { walkFace } from './walk.ts'

const message = ({ msg: messageId }: Words) => ({ messageId })
const place = ({ conv: conversationId }: Words) => ({ conversationId })

await walkFace({
  name: 'mobile',
  block: {
    key: 'POST /users/me/blocked-users',
    undo: 'DELETE /users/me/blocked-users/:userId',
    body: (_, { hex: userId }) => ({ userId })
  },
  routes: {
    'POST /upload/image': 'own',
    'GET /users/me': 'own',
    'PUT /users/me': { means: 'introduce', body: ({ text: displayName }) => ({ displayName }) },
    'PUT /users/me/status': { means: 'show', body: () => ({ status: 'offline' }) },
    'PUT /users/me/fcm-token': 'own',
    'POST /users/me/verify-otp': 'own',
    'GET /users/search': [
      { finds: 'username', query: ({ sought: q }) => ({ q }) },
      { finds: 'phone', query: ({ sought: q }) => ({ q }) }
    ],
    'GET /users/:id': { shows: 'other', as: 'apart', where: 'direct' },
    'GET /users/me/settings': 'own',
    'PUT /users/me/settings': 'own',
    'GET /users/me/blocked-users': { shows: 'nothing', where: 'direct' },
    'POST /users/me/blocked-users': 'block',
    'DELETE /users/me/blocked-users/:userId': 'block',
    'GET /conversations': { shows: 'other', where: 'direct' },
    'GET /conversations/:id': { shows: 'other' },
    'POST /conversations/single': { means: 'start' },
    'POST /conversations/group': {
      means: 'invite',
      body: ({ text: name, peer }) => ({ name, participants: [peer.hex] })
    },
    'PUT /conversations/:id': { means: 'rename', body: ({ text: name }) => ({ name }) },
    'DELETE /conversations/:id': [{ means: 'clear' }, { means: 'end', query: () => ({ scope: 'everyone' }) }],
    'PUT /conversations/:id/participants': { means: 'invite', body: ({ peer }) => ({ userIds: [peer.hex] }) },
    'DELETE /conversations/:id/participants/:participantId': [
      { means: 'end' },
      { means: 'manage', params: ({ actor }) => ({ participantId: actor.hex }) }
    ],
    'PUT /conversations/:id/mute': { means: 'keep' },
    'PUT /conversations/:id/pin': { means: 'keep' },
    'PUT /conversations/:id/archive': { means: 'keep' },
    'DELETE /conversations/:id/messages': { means: 'clear' },
    'GET /messages': [
      { shows: 'other', query: place },
      { shows: 'other', query: ({ peer }) => ({ with: peer.hex }), where: 'direct' }
    ],
    'GET /conversations/:id/messages': { shows: 'other' }
  },
  commands: {
    'message:send': [
      { means: 'send', body: words => ({ ...place(words), content: words.text }) },
      { means: 'send', body: words => ({ ...place(words), content: words.text, replyTo: words.theirs }) }
    ],
    'message:edit': { means: 'edit', body: words => ({ ...message(words), content: words.text }) },
    'message:delete': [
      { means: 'remove', body: message },
      { means: 'keep', body: words => ({ ...message(words), scope: 'me' }) }
    ],
    'message:reaction:add': { means: 'react', body: words => ({ ...message(words), emoji: '👍' }) },
    'message:reaction:remove': { means: 'unreact', body: words => ({ ...message(words), emoji: '👍' }) },
    'typing:start': { means: 'type', body: place },
    'typing:stop': { means: 'stopTyping', body: place },
    'message:read': { means: 'read', body: words => ({ ...place(words), ...message(words) }) }
  }
})
