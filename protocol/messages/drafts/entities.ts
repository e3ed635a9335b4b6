import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, MessageId } from '../../ids.ts'
import { closed, Moment, Timestamp, withExamples } from '../../schema.ts'
import { MentionRanges, Text } from '../entities.ts'

/** Content that a person has begun; one of the texts, or none where only the answered message is chosen. */
export const DraftContent = {
  text: Type.Optional(Text),
  encryptedContent: Type.Optional(
    Type.String({ minLength: 1, maxLength: 24_576, description: 'Opaque to the server; takes the place of `text`.' })
  ),
  mentionRanges: Type.Optional({ ...MentionRanges, description: 'Where the text mentions whom, members or not.' }),
  replyTo: Type.Optional(MessageId)
}

/** Moment of a change on the device where it was made: of two changes the later one stays. Without it, now. */
export const ChangedAt = Type.Optional({
  ...Moment,
  description: 'When it was changed on the device; now at the latest. What is older than what is there changes nothing.'
})

/** Message that a person has begun in a conversation and not sent. Nobody else sees it. */
export const MessageDraft = withExamples(
  closed({ conversationId: ConversationId, ...DraftContent, changedAt: Timestamp }),
  {
    conversationId: 'conv_64b7f0c2a1d3e4f5a6b7c8d9',
    text: 'Are you th',
    changedAt: '2026-11-21T09:30:00.000Z'
  }
)
export type MessageDraft = Static<typeof MessageDraft>

/** Draft of a conversation as it is now; without `draft` there is none. */
export const DraftState = closed({ conversationId: ConversationId, draft: Type.Optional(MessageDraft) })
export type DraftState = Static<typeof DraftState>
