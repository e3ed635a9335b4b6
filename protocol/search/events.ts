import { type Static, Type } from '@sinclair/typebox'
import { command } from '../envelope.ts'
import { ConversationId, UserId } from '../ids.ts'
import { MessageType } from '../messages/entities.ts'
import { closed, Moment, PageLimit, PLAIN_TEXT } from '../schema.ts'
import { MessageSearchPage } from './entities.ts'

/** Longest query, UTF-16 units. */
export const MAX_QUERY_LENGTH = 256

/** Messages to find; without `q`, one of `senderId`, `type`, `hasFile=true` and `mention`. */
export const MessageSearchQuery = {
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_QUERY_LENGTH,
      pattern: PLAIN_TEXT,
      examples: ['there'],
      description: 'Words that must all be there, of the last one the beginning; in quotes, in this order.'
    })
  ),
  conversationId: Type.Optional(ConversationId),
  senderId: Type.Optional(UserId),
  type: Type.Optional(MessageType),
  hasFile: Type.Optional(Type.Boolean({ description: 'With an attachment, or without.' })),
  mention: Type.Optional({
    ...UserId,
    description: 'Somebody who is mentioned; of oneself also what mentions everyone.'
  }),
  after: Type.Optional({ ...Moment, description: 'Sent at this moment or later.' }),
  before: Type.Optional({ ...Moment, description: 'Sent before this moment.' }),
  limit: Type.Optional(PageLimit),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 6_000,
      pattern: '^[A-Za-z0-9_-]+$',
      description: '`next` of the page before, with the same query.'
    })
  )
}

export const SearchMessages = command('search:messages', {
  description: 'Messages of your conversations, the newest first.',
  data: closed(MessageSearchQuery),
  reply: MessageSearchPage
})
export type SearchMessagesData = Static<typeof SearchMessages.data>
