import type { Words } from './meanings.ts'
import { walkFace } from './walk.ts'

const place = ({ conv: conversationId }: Words) => ({ conversationId })
const message = (words: Words) => ({ ...place(words), messageId: words.msg })
const clientId = ({ text }: Words) => ({ clientId: text.replaceAll(/\W/g, '-') })
const content = (words: Words) => ({ ...clientId(words), text: words.text })
const answer = (words: Words) => ({ ...content(words), replyTo: words.theirs })
const mention = (words: Words) => ({ ...content(words), mentions: [words.peer.hex] })
const toPeer = ({ peer: { hex: userId } }: Words) => ({ type: 'direct', userId })
const toPeople = ({ peer, text: name }: Words) => ({ type: 'group', name, memberIds: [peer.hex] })
const userIds = ({ peer }: Words) => ({ userIds: [peer.hex] })
const rename = ({ text: name }: Words) => ({ name })
const upTo = (words: Words) => ({ ...place(words), seq: words.seq })
const member = (words: Words) => ({ ...place(words), userId: words.peer.hex })
const offline = () => ({ status: 'offline' })
const ofPeer = { where: 'direct' } as const
const list = { shows: 'nothing', where: 'direct' } as const

await walkFace({
  name: 'canonical',
  commands: {
    hello: 'own',
    'auth:refresh': 'own',
    ping: 'own',
    'history:get': { shows: 'nothing', body: place },
    'message:delete': [
      { means: 'remove', body: words => ({ ...message(words), scope: 'everyone' }) },
      { means: 'keep', body: words => ({ ...message(words), scope: 'me' }) }
    ],
    'message:edit': { means: 'edit', body: words => ({ ...message(words), text: words.text }) },
    'message:send': [
      { means: 'send', body: words => ({ ...place(words), ...content(words) }) },
      { means: 'send', body: words => ({ ...place(words), ...answer(words) }) },
      { means: 'send', body: words => ({ ...place(words), ...mention(words) }) }
    ],
    'reaction:add': { means: 'react', body: words => ({ ...message(words), emoji: '👍' }) },
    'reaction:remove': { means: 'unreact', body: words => ({ ...message(words), emoji: '👍' }) },
    'conversation:create': [
      { means: 'start', body: toPeer },
      { means: 'invite', body: toPeople }
    ],
    'conversation:leave': { means: 'manage', body: place },
    'conversation:update': { means: 'rename', body: words => ({ ...place(words), ...rename(words) }) },
    'member:add': { means: 'invite', body: words => ({ ...place(words), ...userIds(words) }) },
    'member:remove': { means: 'end', body: member },
    'member:role': { means: 'manage', body: words => ({ ...member(words), role: 'admin' }) },
    'sync:heads': list,
    'sync:pull': [
      { shows: 'nothing', body: ({ conv }) => ({ stream: `conv_${conv}`, since: 0 }) },
      { shows: 'nothing', body: ({ actor }) => ({ stream: actor.id, since: 0 }), ...ofPeer }
    ],
    'presence:set': { means: 'show', body: offline },
    'presence:subscribe': { shows: 'other', as: 'stranger', body: userIds, ...ofPeer },
    'receipt:delivered': { means: 'deliver', body: upTo },
    'receipt:read': { means: 'read', body: upTo },
    'typing:start': { means: 'type', body: place },
    'typing:stop': { means: 'stopTyping', body: place }
  }
})
