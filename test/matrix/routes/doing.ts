import type { ActionName } from './actions.ts'

/**
 * Actions of each route: its path, each parameter as `:`, and the optional fields that make it do so. Those of a
 * dialect stand for every dialect that has them, at the root and under its name.
 */
export const ROUTES: Readonly<Partial<Record<ActionName, readonly string[]>>> = {
  read: [
    'GET /v1/conversations/:',
    'GET /v1/conversations/:/members',
    'GET /v1/conversations/:/messages',
    'GET /v1/conversations/:/pins',
    'GET /v1/conversations/:/messages/:',
    'GET /v1/conversations/:/messages/:/edits',
    'GET /v1/conversations/:/messages/:/receipts',
    'GET /v1/conversations/:/draft',
    'POST /v1/conversations/:/exports',
    'GET /v1/search/messages conversationId q',
    'GET /conversations/:',
    'GET /conversations/:/messages',
    'GET /messages conversationId',
    'GET /messages conversation before',
    'GET /messages with',
    'GET /messages/search conversationId q',
    'GET /messages/search conversation sender',
    'GET /api/conversations/:',
    'GET /api/messages/:',
    'GET /api/v1/chat/:/messages',
    'GET /api/v1/chat/:/pins',
    'GET /api/v1/chat/:/mute-status'
  ],
  'look at the group': ['GET /groups/:'],
  'keep it one’s own way': [
    'PATCH /v1/conversations/:/preferences muted',
    'POST /v1/conversations/:/receipts readSeq',
    'POST /v1/conversations/:/typing',
    'PUT /v1/conversations/:/draft text',
    'DELETE /v1/conversations/:/draft',
    'DELETE /v1/conversations/:/messages/: scope=me',
    'PUT /v1/conversations/:/messages/:/star',
    'DELETE /v1/conversations/:/messages/:/star',
    'PUT /conversations/:/mute',
    'PUT /conversations/:/pin',
    'PUT /conversations/:/archive',
    'DELETE /messages/:',
    'DELETE /api/messages/: scope=me',
    'PUT /api/conversations/:/metadata isPinned',
    'POST /api/v1/chat/:/mark-all-seen',
    'POST /api/v1/chat/:/mute'
  ],
  'put it away': [
    'DELETE /v1/conversations/:/messages',
    'DELETE /v1/conversations/:',
    'DELETE /conversations/:/messages',
    'DELETE /conversations/:',
    'DELETE /api/v1/chat/:/messages'
  ],
  send: [
    'POST /v1/conversations/:/messages text clientId',
    'POST /v1/conversations/:/scheduled-messages text',
    'POST /v1/messages/forward',
    'POST /messages conversationId text',
    'POST /messages conversation content replyTo',
    'POST /messages to text',
    'POST /messages/upload conversationId',
    'POST /messages/voice conversationId',
    'POST /api/messages conversationId text',
    'POST /api/messages to text',
    'POST /api/messages/send text',
    'POST /api/v1/chat/:/messages text',
    'POST /api/v1/chat/:/messages/:/forward'
  ],
  pin: [
    'PUT /v1/conversations/:/messages/:/pin',
    'DELETE /v1/conversations/:/messages/:/pin',
    'POST /api/v1/chat/:/messages/:/pin'
  ],
  react: [
    'POST /v1/conversations/:/messages/:/reactions',
    'DELETE /v1/conversations/:/messages/:/reactions/:',
    'POST /messages/:/reactions',
    'DELETE /messages/:/reactions/:',
    'POST /api/messages/:/reactions',
    'DELETE /api/messages/:/reactions/:'
  ],
  'edit one’s own': ['PATCH /v1/conversations/:/messages/:', 'PATCH /messages/: text'],
  'edit another’s': ['PATCH /v1/conversations/:/messages/:', 'PATCH /messages/: text'],
  'delete one’s own': [
    'DELETE /v1/conversations/:/messages/: scope=everyone',
    'DELETE /messages/: scope=everyone',
    'DELETE /messages/: forEveryone',
    'DELETE /api/messages/:'
  ],
  'delete another’s': [
    'DELETE /v1/conversations/:/messages/: scope=everyone',
    'DELETE /messages/: scope=everyone',
    'DELETE /messages/: deleteFor=everyone',
    'DELETE /api/messages/:'
  ],
  'change what is recorded': [
    'PATCH /v1/conversations/:/messages/:',
    'DELETE /v1/conversations/:/messages/: scope=everyone',
    'PATCH /messages/: text',
    'DELETE /messages/: scope=everyone',
    'DELETE /api/messages/:'
  ],
  'change how the group looks': ['PATCH /v1/conversations/: name', 'PUT /conversations/: name', 'PUT /groups/: name'],
  'change who may do what': ['PATCH /v1/conversations/: settings', 'PUT /groups/: settings'],
  'set the timer': ['PUT /v1/conversations/:/expiry'],
  'add somebody': [
    'POST /v1/conversations/:/members',
    'PUT /conversations/:/participants',
    'POST /groups/:/members userIds',
    'POST /groups/:/members userId'
  ],
  'remove a member': [
    'DELETE /v1/conversations/:/members/:',
    'DELETE /conversations/:/participants/:',
    'DELETE /groups/:/members/:'
  ],
  'remove an admin': [
    'DELETE /v1/conversations/:/members/:',
    'DELETE /conversations/:/participants/:',
    'DELETE /groups/:/members/:'
  ],
  'remove the owner': [
    'DELETE /v1/conversations/:/members/:',
    'DELETE /conversations/:/participants/:',
    'DELETE /groups/:/members/:'
  ],
  leave: [
    'POST /v1/conversations/:/leave',
    'DELETE /conversations/:/participants/:',
    'POST /groups/:/leave',
    'DELETE /groups/:/members/:'
  ],
  'raise a member': ['PATCH /v1/conversations/:/members/: role=admin'],
  'lower an admin': ['PATCH /v1/conversations/:/members/: role=member'],
  'hand the group over': ['PATCH /v1/conversations/:/members/: role=owner'],
  'choose the admins': ['PUT /groups/:/admins'],
  'end the group': [
    'DELETE /v1/conversations/: scope=everyone',
    'DELETE /conversations/: scope=everyone',
    'DELETE /groups/:'
  ],
  'disable somebody': ['POST /v1/admin/users/:/disable', 'POST /v1/admin/users/:/enable'],
  'look at somebody': [
    'GET /v1/users/:',
    'GET /v1/presence ids',
    'GET /users/:',
    'GET /users/profile/:',
    'GET /users/by-ids ids',
    'GET /presence ids',
    'GET /api/users/:'
  ],
  'block or forget somebody': [
    'POST /v1/blocks',
    'DELETE /v1/blocks/:',
    'DELETE /v1/contacts/:',
    'DELETE /v1/friends/:',
    'POST /users/me/blocked-users',
    'DELETE /users/me/blocked-users/:',
    'PUT /api/conversations/:/metadata isBlocked'
  ],
  'know somebody': ['PUT /v1/contacts/:'],
  'open a chat': [
    'POST /v1/conversations',
    'POST /conversations/single',
    'POST /conversations participants',
    'POST /contacts/start-chat userId',
    'GET /api/v1/chat/:'
  ],
  'make a group with somebody': [
    'POST /v1/conversations type=group memberIds',
    'POST /conversations name members',
    'POST /conversations/group participants',
    'POST /groups name userIds'
  ],
  'ask somebody': ['POST /v1/requests', 'POST /chat-requests'],
  accept: ['POST /v1/requests/:/accept', 'POST /chat-requests/:/accept'],
  decline: ['POST /v1/requests/:/decline', 'POST /chat-requests/:/decline'],
  cancel: ['POST /v1/requests/:/cancel'],
  'answer one’s own question': [
    'POST /v1/requests/:/accept',
    'POST /v1/requests/:/decline',
    'POST /chat-requests/:/accept',
    'POST /chat-requests/:/decline'
  ],
  'take another’s question back': ['POST /v1/requests/:/cancel'],
  'change somebody else': [
    'PUT /api/users/: displayName',
    'PUT /api/users/:/status status',
    'PUT /api/users/:/settings'
  ],
  'end a session that is not one’s own': ['DELETE /v1/sessions/:'],
  'look at a file of somebody else': ['GET /v1/files/:', 'GET /v1/uploads/:'],
  'go on with an upload of somebody else': ['PATCH /v1/uploads/:', 'DELETE /v1/uploads/:'],
  'touch an export of somebody else': ['GET /v1/exports/:', 'DELETE /v1/exports/:'],
  'touch what another has scheduled': [
    'GET /v1/scheduled-messages/:',
    'PUT /v1/scheduled-messages/: text',
    'DELETE /v1/scheduled-messages/:'
  ],
  'list one’s own': [
    'GET /v1/conversations',
    'GET /v1/drafts',
    'GET /v1/scheduled-messages',
    'GET /v1/exports',
    'GET /v1/contacts after',
    'GET /v1/friends',
    'GET /v1/blocks',
    'GET /v1/stars',
    'GET /v1/requests after',
    'GET /users after',
    'GET /chat-requests after'
  ]
}

/** Actions of each socket command: the name of its vocabulary, its own, and its fields. */
export const COMMANDS: Readonly<Partial<Record<ActionName, readonly string[]>>> = {
  read: ['canonical history:get', 'canonical sync:pull', 'canonical search:messages conversationId q'],
  'keep it one’s own way': [
    'canonical receipt:delivered',
    'canonical receipt:read',
    'canonical typing:start',
    'canonical typing:stop',
    'canonical draft:save text',
    'canonical draft:delete',
    'canonical message:delete scope=me',
    'canonical message:star',
    'canonical message:unstar',
    'mobile message:delete messageId scope=me',
    'mobile message:read conversationId messageId',
    'mobile typing:start conversationId',
    'mobile typing:stop conversationId',
    'unified delivered conversationId deliveredUpTo',
    'unified read_up_to conversation readUpTo',
    'unified read_up_to messageId',
    'unified typing conversationId',
    'unified typing to',
    'unified typing-stopped conversationId',
    'unified typing-stopped to',
    'chatapp message:read messageId',
    'chatapp typing:start conversationId',
    'chatapp typing:stop conversationId',
    'reals2chat typing recipientId',
    'reals2chat stopTyping recipientId',
    'taatom typing to',
    'taatom seen to messageId'
  ],
  send: [
    'canonical message:send text',
    'canonical scheduled:create text',
    'canonical message:forward',
    'mobile message:send conversationId content',
    'unified send-message conversationId text',
    'unified send-message to text',
    'unified message conversation content',
    'chatapp message:send conversationId text',
    'chatapp message:send to text',
    'reals2chat sendMessage recipientId text',
    'taatom sendMessage to text'
  ],
  pin: ['canonical message:pin', 'canonical message:unpin'],
  react: [
    'canonical reaction:add',
    'canonical reaction:remove',
    'mobile message:reaction:add messageId emoji',
    'mobile message:reaction:remove messageId emoji'
  ],
  'edit one’s own': ['canonical message:edit', 'mobile message:edit messageId content'],
  'edit another’s': ['canonical message:edit', 'mobile message:edit messageId content'],
  'delete one’s own': ['canonical message:delete scope=everyone', 'mobile message:delete messageId'],
  'delete another’s': ['canonical message:delete scope=everyone', 'mobile message:delete messageId scope=everyone'],
  'change what is recorded': [
    'canonical message:edit',
    'canonical message:delete scope=everyone',
    'mobile message:edit messageId content',
    'mobile message:delete messageId'
  ],
  'change how the group looks': ['canonical conversation:update name'],
  'change who may do what': ['canonical conversation:update settings'],
  'set the timer': ['canonical conversation:expiry'],
  'add somebody': ['canonical member:add'],
  'remove a member': ['canonical member:remove'],
  'remove an admin': ['canonical member:remove'],
  'remove the owner': ['canonical member:remove'],
  leave: ['canonical conversation:leave'],
  'raise a member': ['canonical member:role role=admin'],
  'lower an admin': ['canonical member:role role=member'],
  'hand the group over': ['canonical member:role role=owner'],
  'look at somebody': ['canonical presence:subscribe'],
  'open a chat': ['canonical conversation:create'],
  'make a group with somebody': ['canonical conversation:create type=group memberIds'],
  'touch what another has scheduled': ['canonical scheduled:change text', 'canonical scheduled:cancel']
}
