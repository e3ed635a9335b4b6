import { type Static, Type } from '@sinclair/typebox'
import { MAX_EXPIRY_S, MIN_EXPIRY_S } from '../../conversations/entities.ts'
import { command } from '../../envelope.ts'
import { ConversationId } from '../../ids.ts'
import { Counter, closed } from '../../schema.ts'

/** Timer of a conversation, as it is asked for: 0 turns it off. */
export const Expiry = {
  expireAfterSeconds: Type.Integer({
    minimum: 0,
    maximum: MAX_EXPIRY_S,
    description: `Life of messages that are sent from now on, ${MIN_EXPIRY_S} at least; 0: they stay.`,
    examples: [86_400]
  })
}

export const ConversationExpiry = command('conversation:expiry', {
  description: 'Has messages that are sent from now on go by themselves after a time, or stay.',
  data: closed({ conversationId: ConversationId, ...Expiry }),
  reply: closed({ rev: Counter })
})
export type ConversationExpiryData = Static<typeof ConversationExpiry.data>
