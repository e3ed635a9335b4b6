import { type Static, Type } from '@sinclair/typebox'
import { ConversationId } from '../../ids.ts'
import { MAX_PAGE_SIZE } from '../../limits.ts'
import { route } from '../../route.ts'
import { closed, PageLimit, TimeCursor, withExamples } from '../../schema.ts'
import { ChangedAt, DraftContent, DraftState, MessageDraft } from './entities.ts'

const tags = ['messages']

const params = closed({ conversationId: ConversationId })

/** A page of a person's drafts, the newest first. */
export const DraftPage = closed({
  drafts: Type.Array(MessageDraft, { maxItems: MAX_PAGE_SIZE }),
  next: Type.Optional(Type.String({ description: '`after` of the next page.' }))
})
export type DraftPage = Static<typeof DraftPage>

export const ListDrafts = route({
  method: 'GET',
  url: '/drafts',
  schema: {
    summary: 'What you have begun to write and not sent, in all conversations, the newest first',
    tags,
    querystring: closed({
      limit: Type.Optional(PageLimit),
      after: Type.Optional(TimeCursor)
    }),
    response: { 200: DraftPage }
  }
})

export const GetDraft = route({
  method: 'GET',
  url: '/conversations/:conversationId/draft',
  schema: { summary: 'What you have begun to write in a conversation', tags, params, response: { 200: DraftState } }
})

export const SaveDraft = route({
  method: 'PUT',
  url: '/conversations/:conversationId/draft',
  schema: {
    summary: 'Keep what you have begun to write; your other devices are told, and nobody else',
    tags,
    params,
    body: withExamples(closed({ ...DraftContent, changedAt: ChangedAt }), { text: 'Are you th' }),
    response: { 200: DraftState }
  }
})

export const DeleteDraft = route({
  method: 'DELETE',
  url: '/conversations/:conversationId/draft',
  schema: {
    summary: 'Take the draft of a conversation away',
    tags,
    params,
    querystring: closed({ changedAt: ChangedAt }),
    response: { 200: DraftState }
  }
})
