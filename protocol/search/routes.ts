import { type Static, Type } from '@sinclair/typebox'
import { ConversationView } from '../conversations/entities.ts'
import { route } from '../route.ts'
import { closed, oneOf, PageLimit, PLAIN_TEXT } from '../schema.ts'
import { User } from '../users/entities.ts'
import { MessageSearchPage } from './entities.ts'
import { MessageSearchQuery } from './events.ts'

const tags = ['search']

export const FindMessages = route({
  method: 'GET',
  url: '/search/messages',
  schema: {
    summary: 'Messages of your conversations by their words, the newest first, with what was found marked',
    tags,
    querystring: closed({ ...MessageSearchQuery, hasFile: Type.Optional(oneOf('true', 'false')) }),
    response: { 200: MessageSearchPage }
  }
})

/** Conversations and people of one field of search. */
export const FoundByName = closed({ conversations: Type.Array(ConversationView), users: Type.Array(User) })
export type FoundByName = Static<typeof FoundByName>

export const FindByName = route({
  method: 'GET',
  url: '/search',
  schema: {
    summary: 'Conversations of yours by name, and people as `/users/search` finds them',
    tags,
    querystring: closed({
      q: Type.String({ minLength: 1, maxLength: 64, pattern: PLAIN_TEXT, examples: ['bob'] }),
      limit: Type.Optional({ ...PageLimit, description: 'Of each; 10 by default.' })
    }),
    response: { 200: FoundByName }
  }
})
