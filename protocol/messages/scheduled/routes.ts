import { type Static, Type } from '@sinclair/typebox'
import { ConversationId } from '../../ids.ts'
import { MAX_PAGE_SIZE } from '../../limits.ts'
import { route } from '../../route.ts'
import { closed, PageLimit, TimeCursor, withExamples } from '../../schema.ts'
import { ClientId } from '../entities.ts'
import { NewContent } from '../events.ts'
import { ScheduledId, ScheduledMessage, SendAt } from './entities.ts'

const tags = ['messages']

const params = closed({ scheduledId: ScheduledId })

export const ScheduleMessage = route({
  method: 'POST',
  url: '/conversations/:conversationId/scheduled-messages',
  schema: {
    summary: 'Have a message sent at a time',
    tags,
    params: closed({ conversationId: ConversationId }),
    body: withExamples(closed({ clientId: ClientId, sendAt: SendAt, ...NewContent }), {
      clientId: 'first',
      sendAt: '2026-11-21T18:00:00Z',
      text: 'Are you there?'
    }),
    response: { 200: ScheduledMessage, 201: ScheduledMessage }
  }
})

/** A page of a person's scheduled messages that are not at their end, in the order of their time. */
export const ScheduledPage = closed({
  scheduled: Type.Array(ScheduledMessage, { maxItems: MAX_PAGE_SIZE }),
  next: Type.Optional(Type.String({ description: '`after` of the next page.' }))
})
export type ScheduledPage = Static<typeof ScheduledPage>

export const ListScheduledMessages = route({
  method: 'GET',
  url: '/scheduled-messages',
  schema: {
    summary: 'Your scheduled messages that are not sent, in the order of their time; those that were refused too',
    tags,
    querystring: closed({
      limit: Type.Optional(PageLimit),
      after: Type.Optional(TimeCursor)
    }),
    response: { 200: ScheduledPage }
  }
})

export const GetScheduledMessage = route({
  method: 'GET',
  url: '/scheduled-messages/:scheduledId',
  schema: { summary: 'One of your scheduled messages', tags, params, response: { 200: ScheduledMessage } }
})

export const ChangeScheduledMessage = route({
  method: 'PUT',
  url: '/scheduled-messages/:scheduledId',
  schema: {
    summary: 'Give a scheduled message another time and content, in the place of what it had',
    tags,
    params,
    body: withExamples(closed({ sendAt: SendAt, ...NewContent }), {
      sendAt: '2026-11-21T19:00:00Z',
      text: 'Are you still there?'
    }),
    response: { 200: ScheduledMessage }
  }
})

export const CancelScheduledMessage = route({
  method: 'DELETE',
  url: '/scheduled-messages/:scheduledId',
  schema: { summary: 'Take a scheduled message back', tags, params, response: { 200: ScheduledMessage } }
})
