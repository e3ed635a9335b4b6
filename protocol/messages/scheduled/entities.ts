import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, idOf, MessageId } from '../../ids.ts'
import { closed, Moment, oneOf, Timestamp, withExamples } from '../../schema.ts'
import { ClientId, content, MessageType, NoPreview, Text } from '../entities.ts'

export const ScheduledId = idOf('sch')

/** Moment at which a message is to be sent. */
export const SendAt = { ...Moment, description: 'When it is sent: in time to come, within 365 days.' }

/**
 * Stage of a scheduled message. `waiting` until its time; `sending` is no longer to be changed; `refused` was not
 * allowed then, and may be given another time; `sent` and `cancelled` are the end.
 */
export const ScheduledStatus = oneOf('waiting', 'sending', 'refused', 'sent', 'cancelled')
export type ScheduledStatus = Static<typeof ScheduledStatus>

/** A message that is sent at its time. Nobody but its sender sees it before. At its end it has no content any more. */
export const ScheduledMessage = withExamples(
  closed({
    id: ScheduledId,
    conversationId: ConversationId,
    clientId: ClientId,
    status: ScheduledStatus,
    sendAt: Timestamp,
    type: Type.Optional(MessageType),
    text: Type.Optional(Text),
    ...content,
    replyTo: Type.Optional(MessageId),
    noPreview: Type.Optional(NoPreview),
    messageId: Type.Optional({ ...MessageId, description: 'The message that was sent.' }),
    refusal: Type.Optional(
      closed({ code: Type.String(), message: Type.String() }, 'Why it was not sent: an error of this protocol.')
    ),
    createdAt: Timestamp
  }),
  {
    id: 'sch_64b7f0c2a1d3e4f5a6b7c8d9',
    conversationId: 'conv_64b7f0c2a1d3e4f5a6b7c8d9',
    clientId: 'first',
    status: 'waiting',
    sendAt: '2026-11-21T18:00:00.000Z',
    type: 'text',
    text: 'Are you there?',
    createdAt: '2026-11-21T09:30:00.000Z'
  }
)
export type ScheduledMessage = Static<typeof ScheduledMessage>
