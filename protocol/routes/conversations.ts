import { type Static, Type } from '@sinclair/typebox'
import { ConversationView, Member, Receipt } from '../entities/conversation.ts'
import { ConversationChanges, MemberAdd, MemberRole, NewConversation } from '../events/conversation.ts'
import { ConversationId, UserId } from '../ids.ts'
import { MAX_PAGE_SIZE } from '../limits.ts'
import { Counter, closed } from '../schema.ts'
import { route } from './route.ts'

const tags = ['conversations']
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE }))
const params = closed({ conversationId: ConversationId })
const memberParams = closed({ conversationId: ConversationId, userId: UserId })
const Rev = closed({ rev: Counter })

export const CreateConversation = route({
  method: 'POST',
  url: '/conversations',
  schema: {
    summary: 'Open the direct conversation with somebody, new or old, or make a group',
    tags,
    body: NewConversation,
    response: { 200: ConversationView, 201: ConversationView }
  }
})

/** A page of the caller's conversations, newest activity first. */
export const ConversationPage = closed({
  conversations: Type.Array(ConversationView),
  next: Type.Optional(Type.String({ description: '`after` of the next page.' }))
})
export type ConversationPage = Static<typeof ConversationPage>

export const ListConversations = route({
  method: 'GET',
  url: '/conversations',
  schema: {
    summary: 'Your conversations, newest activity first',
    tags,
    querystring: closed({
      limit,
      after: Type.Optional(Type.String({ maxLength: 64, pattern: '^[0-9]{1,15}_[0-9a-f]{24}$' }))
    }),
    response: { 200: ConversationPage }
  }
})

export const GetConversation = route({
  method: 'GET',
  url: '/conversations/:conversationId',
  schema: { summary: 'One conversation', tags, params, response: { 200: ConversationView } }
})

export const UpdateConversation = route({
  method: 'PATCH',
  url: '/conversations/:conversationId',
  schema: { summary: 'Change a group', tags, params, body: closed(ConversationChanges), response: { 200: Rev } }
})

/** A page of members, with how far each has read, in the order of their ids. */
export const MemberPage = closed({
  members: Type.Array(Member),
  receipts: Type.Array(Receipt),
  next: Type.Optional(UserId)
})
export type MemberPage = Static<typeof MemberPage>

export const ListMembers = route({
  method: 'GET',
  url: '/conversations/:conversationId/members',
  schema: {
    summary: 'Its members and their receipts',
    tags,
    params,
    querystring: closed({ limit, after: Type.Optional(UserId) }),
    response: { 200: MemberPage }
  }
})

export const AddMembers = route({
  method: 'POST',
  url: '/conversations/:conversationId/members',
  schema: {
    summary: 'Add people to a group',
    tags,
    params,
    body: closed({ userIds: MemberAdd.data.properties.userIds }),
    response: { 200: Rev }
  }
})

export const ChangeMember = route({
  method: 'PATCH',
  url: '/conversations/:conversationId/members/:userId',
  schema: {
    summary: 'Change somebody’s role in a group',
    tags,
    params: memberParams,
    body: closed({ role: MemberRole.data.properties.role }),
    response: { 200: Rev }
  }
})

export const RemoveMember = route({
  method: 'DELETE',
  url: '/conversations/:conversationId/members/:userId',
  schema: { summary: 'Remove somebody from a group', tags, params: memberParams, response: { 200: Rev } }
})

export const LeaveConversation = route({
  method: 'POST',
  url: '/conversations/:conversationId/leave',
  schema: { summary: 'Leave a group', tags, params, response: { 200: Rev } }
})

export const SetReceipt = route({
  method: 'POST',
  url: '/conversations/:conversationId/receipts',
  schema: {
    summary: 'Say how far you have received and read',
    tags,
    params,
    body: closed({ deliveredSeq: Type.Optional(Counter), readSeq: Type.Optional(Counter) }),
    response: { 200: Receipt }
  }
})

export const SetTyping = route({
  method: 'POST',
  url: '/conversations/:conversationId/typing',
  schema: {
    summary: 'Say that you are typing, or stopped',
    tags,
    params,
    body: closed({ isTyping: Type.Boolean() }),
    response: { 204: Type.Null() }
  }
})
