import {
  answer,
  content,
  forward,
  list,
  mention,
  ofExport,
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

const said = ({ conv: conversationId, peer }: Words) => ({ conversationId, senderId: peer.hex })
const readSeq = ({ seq }: Words) => ({ readSeq: seq })

await walkFace({
  name: 'canonical',
  routes: {
    'POST /v1/auth/tickets': 'own',
    'GET /v1/auth/me': 'own',
    'GET /v1/sessions': 'own',
    'POST /v1/auth/logout': 'own',
    'DELETE /v1/sessions': 'own',
    'DELETE /v1/sessions/:sessionId': 'own',
    'POST /v1/auth/password': 'own',
    'POST /v1/auth/logout-everywhere': 'own',
    'POST /v1/auth/qr/:token/approve': 'own',
    'POST /v1/auth/qr/:token/refuse': 'own',
    'GET /v1/users/me': 'own',
    'GET /v1/presence': { shows: 'other', as: 'stranger', query: ({ peer }) => ({ ids: peer.hex }), ...ofPeer },
    'GET /v1/users/:userId': { shows: 'other', as: 'apart', ...ofPeer },
    'GET /v1/users/search': [
      { finds: 'username', query: ({ sought: q }) => ({ q }) },
      { finds: 'phone', query: ({ sought: q }) => ({ q }) }
    ],
    'GET /v1/search': [
      { finds: 'username', in: 'users', query: ({ sought: q }) => ({ q }) },
      { finds: 'phone', in: 'users', query: ({ sought: q }) => ({ q }) }
    ],
    'GET /v1/search/messages': { shows: 'nothing', query: said },
    'PATCH /v1/users/me': { means: 'introduce', body: ({ text: displayName }) => ({ displayName }) },
    'POST /v1/conversations/:conversationId/members': { means: 'invite', body: userIds },
    'PATCH /v1/conversations/:conversationId/members/:userId': { means: 'manage', body: () => ({ role: 'admin' }) },
    'DELETE /v1/conversations/:conversationId/messages': { means: 'clear' },
    'POST /v1/conversations': [
      { means: 'start', body: toPeer },
      { means: 'invite', body: toPeople }
    ],
    'DELETE /v1/conversations/:conversationId': [
      { means: 'clear' },
      { means: 'end', query: () => ({ scope: 'everyone' }) }
    ],
    'GET /v1/conversations/:conversationId': { shows: 'nothing' },
    'POST /v1/conversations/:conversationId/leave': { means: 'manage' },
    'GET /v1/conversations': list,
    'GET /v1/conversations/:conversationId/members': { shows: 'other' },
    'DELETE /v1/conversations/:conversationId/members/:userId': { means: 'end' },
    'PATCH /v1/conversations/:conversationId/preferences': { means: 'keep', body: () => ({ favorite: true }) },
    'POST /v1/conversations/:conversationId/scheduled-messages': { means: 'schedule', body: scheduled },
    'GET /v1/scheduled-messages': list,
    'GET /v1/scheduled-messages/:scheduledId': { means: 'plan', params: ofPlan },
    'PUT /v1/scheduled-messages/:scheduledId': { means: 'reschedule', params: ofPlan, body: rescheduled },
    'DELETE /v1/scheduled-messages/:scheduledId': { means: 'plan', params: ofPlan },
    'POST /v1/conversations/:conversationId/exports': { means: 'keep' },
    'GET /v1/exports': list,
    'GET /v1/exports/:exportId': { means: 'archive', params: ofExport },
    'DELETE /v1/exports/:exportId': { means: 'archive', params: ofExport },
    'PUT /v1/conversations/:conversationId/expiry': { means: 'time', body: timer },
    'GET /v1/drafts': list,
    'GET /v1/conversations/:conversationId/draft': { shows: 'nothing' },
    'PUT /v1/conversations/:conversationId/draft': { means: 'keep', body: ({ text }) => ({ text }) },
    'DELETE /v1/conversations/:conversationId/draft': { means: 'keep' },
    'POST /v1/conversations/:conversationId/receipts': [
      { means: 'deliver', body: ({ seq: deliveredSeq }) => ({ deliveredSeq }) },
      { means: 'read', body: readSeq }
    ],
    'POST /v1/conversations/:conversationId/typing': [
      { means: 'type', body: () => ({ isTyping: true }) },
      { means: 'stopTyping', body: () => ({ isTyping: false }) }
    ],
    'PATCH /v1/conversations/:conversationId': { means: 'rename', body: rename },
    'POST /v1/conversations/:conversationId/messages/:messageId/reactions': { means: 'react' },
    'DELETE /v1/conversations/:conversationId/messages/:messageId': [
      { means: 'remove', query: () => ({ scope: 'everyone' }) },
      { means: 'keep', query: () => ({ scope: 'me' }) }
    ],
    'PATCH /v1/conversations/:conversationId/messages/:messageId': {
      means: 'edit',
      body: ({ text }) => ({ text })
    },
    'GET /v1/conversations/:conversationId/messages/:messageId/edits': { shows: 'nothing' },
    'GET /v1/conversations/:conversationId/messages': { shows: 'nothing' },
    'GET /v1/conversations/:conversationId/messages/:messageId': { shows: 'nothing' },
    'GET /v1/conversations/:conversationId/messages/:messageId/receipts': { shows: 'other' },
    'DELETE /v1/conversations/:conversationId/messages/:messageId/reactions/:emoji': { means: 'unreact' },
    'POST /v1/conversations/:conversationId/messages': [
      { means: 'send', body: content },
      { means: 'send', body: answer },
      { means: 'send', body: mention }
    ],
    'POST /v1/messages/forward': { means: 'send', body: forward },
    'PUT /v1/conversations/:conversationId/messages/:messageId/pin': { means: 'pin' },
    'DELETE /v1/conversations/:conversationId/messages/:messageId/pin': { means: 'unpin' },
    'GET /v1/conversations/:conversationId/pins': { shows: 'nothing' },
    'PUT /v1/conversations/:conversationId/messages/:messageId/star': { means: 'keep' },
    'DELETE /v1/conversations/:conversationId/messages/:messageId/star': { means: 'keep' },
    'GET /v1/stars': list,
    'POST /v1/requests/:requestId/accept': { means: 'accept' },
    'POST /v1/blocks': 'block',
    'PUT /v1/contacts/:userId': { means: 'note', body: rename },
    'POST /v1/requests/:requestId/cancel': { means: 'cancel' },
    'GET /v1/presence/count': 'own',
    'POST /v1/files': 'own',
    'GET /v1/files/:fileId': 'own',
    'POST /v1/uploads': 'own',
    'GET /v1/uploads/:fileId': 'own',
    'PATCH /v1/uploads/:fileId': 'own',
    'DELETE /v1/uploads/:fileId': 'own',
    'POST /v1/requests/:requestId/decline': { means: 'decline' },
    'GET /v1/users/me/settings': 'own',
    'GET /v1/blocks': list,
    'GET /v1/contacts': { shows: 'other', ...ofPeer },
    'GET /v1/friends': { shows: 'other', ...ofPeer },
    'GET /v1/requests': list,
    'DELETE /v1/blocks/:userId': 'block',
    'DELETE /v1/contacts/:userId': { means: 'keep', ...ofPeer },
    'DELETE /v1/friends/:userId': { means: 'part' },
    'POST /v1/requests': [
      { means: 'ask', body: ({ peer }) => ({ kind: 'chat', to: peer.hex }) },
      { means: 'ask', body: ({ peer }) => ({ kind: 'friend', to: peer.hex }) }
    ],
    'PUT /v1/presence': { means: 'show', body: offline },
    'POST /v1/contacts/sync': { finds: 'phone', body: ({ sought }) => ({ contacts: [sought] }) },
    'PATCH /v1/users/me/settings': 'own',
    'POST /v1/users/me/addresses': 'own',
    'POST /v1/users/me/addresses/verify': 'own',
    'POST /v1/admin/users/:userId/disable': 'operators',
    'POST /v1/admin/users/:userId/enable': 'operators'
  }
})
