import {
  answer,
  content,
  forward,
  list,
  mention,
  offline,
  ofPeer,
  ofPlan,
  rename,
  rescheduled,
  scheduled,
  timer,
  toPeer,
  toPeople,
  userIds
} from './canonical.ts'
import type { Words } from './meanings.ts'
import { walkFace } from './walk.ts'

const place = ({ conv: conversationId }: Words) => ({ conversationId })
const message = (words: Words) => ({ ...place(words), messageId: words.msg })
const upTo = (words: Words) => ({ ...place(words), seq: words.seq })
const member = (words: Words) => ({ ...place(words), userId: words.peer.hex })

await walkFace({
  name: 'canonical',
  commands: {
    hello: 'own',
    'auth:refresh': 'own',
    ping: 'own',
    'history:get': { shows: 'nothing', body: place },
    'search:messages': { shows: 'nothing', body: words => ({ ...place(words), senderId: words.peer.hex }) },
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
    'message:forward': { means: 'send', body: forward },
    'message:pin': { means: 'pin', body: message },
    'message:unpin': { means: 'unpin', body: message },
    'message:star': { means: 'keep', body: message },
    'message:unstar': { means: 'keep', body: message },
    'reaction:add': { means: 'react', body: words => ({ ...message(words), emoji: '👍' }) },
    'reaction:remove': { means: 'unreact', body: words => ({ ...message(words), emoji: '👍' }) },
    'scheduled:create': { means: 'schedule', body: words => ({ ...place(words), ...scheduled(words) }) },
    'scheduled:change': { means: 'reschedule', body: words => ({ ...ofPlan(words), ...rescheduled(words) }) },
    'scheduled:cancel': { means: 'plan', body: ofPlan },
    'conversation:expiry': { means: 'time', body: words => ({ ...place(words), ...timer() }) },
    'draft:save': { means: 'keep', body: words => ({ ...place(words), text: words.text }) },
    'draft:delete': { means: 'keep', body: place },
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
