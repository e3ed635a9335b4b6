import { Type } from '@sinclair/typebox'
import { Receipt } from '../entities/conversation.ts'
import { Presence, PresenceStatus } from '../entities/user.ts'
import { command, ephemeral } from '../envelope.ts'
import { ConversationId, UserId } from '../ids.ts'
import { Counter, closed } from '../schema.ts'

/** Presence of at most this many people at once. */
export const MAX_WATCHED = 200

const receiptData = closed({ conversationId: ConversationId, seq: Counter })

export const ReceiptDelivered = command('receipt:delivered', {
  description: 'Everything up to this `seq` has reached this device. Only moves forward.',
  data: receiptData,
  reply: Receipt,
  isSilent: true
})
export const ReceiptRead = command('receipt:read', {
  description: 'Everything up to this `seq` was read. Only moves forward; read is delivered.',
  data: receiptData,
  reply: Receipt,
  isSilent: true
})

const typingData = closed({ conversationId: ConversationId })
export const TypingStart = command('typing:start', {
  description: 'The person is typing; repeat every few seconds.',
  data: typingData,
  reply: closed({}),
  isSilent: true
})
export const TypingStop = command('typing:stop', {
  description: 'The person stopped typing.',
  data: typingData,
  reply: closed({}),
  isSilent: true
})

export const PresenceSet = command('presence:set', {
  description: 'Shows this device as in use, not in use, or not there; a person is `online` when one device is.',
  data: closed({ status: PresenceStatus }),
  reply: closed({}),
  isSilent: true
})
export const PresenceSubscribe = command('presence:subscribe', {
  description: 'Answers the presence of these people and sends their changes; replaces an earlier list.',
  data: closed({ userIds: Type.Array(UserId, { maxItems: MAX_WATCHED, uniqueItems: true }) }),
  reply: closed({ presence: Type.Array(Presence) })
})

const typing = closed({ conversationId: ConversationId, userId: UserId })
export const TypingStarted = ephemeral('typing:start', 'Somebody is typing; forget it after six seconds.', typing)
export const TypingStopped = ephemeral('typing:stop', 'Somebody stopped typing.', typing)
export const PresenceChanged = ephemeral('presence', 'Somebody watched came, went or stepped away.', Presence)
export const Delivered = ephemeral('receipt:delivered', 'A member’s cursors moved.', Receipt)
export const Read = ephemeral('receipt:read', 'A member’s cursors moved.', Receipt)
