import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, UserId } from '../ids.ts'
import { route } from '../route.ts'
import { Counter, closed, Moment, oneOf, PageLimit, PLAIN_TEXT, withExamples } from '../schema.ts'
import { ConversationType, ConversationView, Member, Membership, Nickname, Receipt, Ringtone } from './entities.ts'
import { ConversationChanges, MemberAdd, MemberRole, NewConversation } from './events.ts'

const tags = ['conversations']

const limit = Type.Optional(PageLimit)

const params = closed({ conversationId: ConversationId })

const memberParams = closed({ conversationId: ConversationId, userId: UserId })

const flag = Type.Optional(oneOf('true', 'false'))

/** Change of a conversation that was made. */
export const Revised = closed({ rev: Counter })

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

/** A page of the caller's conversations: pinned ones first, then by newest activity. */
export const ConversationPage = closed({
  conversations: Type.Array(ConversationView),
  next: Type.Optional(Type.String({ description: '`after` of the next page.' }))
})
export type ConversationPage = Static<typeof ConversationPage>

export const ListConversations = route({
  method: 'GET',
  url: '/conversations',
  schema: {
    summary: 'Your conversations: pinned ones first, then by newest activity',
    tags,
    querystring: closed({
      limit,
      after: Type.Optional(Type.String({ maxLength: 64, pattern: '^p?[0-9]{1,15}_[0-9a-f]{24}$' })),
      archived: flag,
      pinned: flag,
      unread: flag,
      type: Type.Optional(ConversationType),
      q: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 128,
          pattern: PLAIN_TEXT,
          description: 'Beginnings of words of the name.'
        })
      )
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
  schema: {
    summary: 'Change a group',
    tags,
    params,
    body: withExamples(closed(ConversationChanges), { name: 'Weekend' }),
    response: { 200: Revised }
  }
})

/** Preferences to change: one left out stays as it is; an empty text takes a nickname or a ringtone away. */
export const PreferenceChanges = withExamples(
  closed({
    muted: Type.Optional(Type.Boolean()),
    mutedUntil: Type.Optional(Moment),
    pinned: Type.Optional(Type.Boolean()),
    archived: Type.Optional(Type.Boolean()),
    favorite: Type.Optional(Type.Boolean()),
    hidden: Type.Optional(Type.Boolean()),
    ringtone: Type.Optional(Ringtone),
    nickname: Type.Optional(Nickname)
  }),
  { pinned: true }
)
export type PreferenceChanges = Static<typeof PreferenceChanges>

export const SetPreferences = route({
  method: 'PATCH',
  url: '/conversations/:conversationId/preferences',
  schema: {
    summary: 'Change how you keep a conversation; nobody else sees it',
    tags,
    params,
    body: PreferenceChanges,
    response: { 200: Membership }
  }
})

export const ClearConversation = route({
  method: 'DELETE',
  url: '/conversations/:conversationId/messages',
  schema: { summary: 'Clear what was said so far, for you alone', tags, params, response: { 200: Membership } }
})

export const DeleteConversation = route({
  method: 'DELETE',
  url: '/conversations/:conversationId',
  schema: {
    summary: 'Clear a conversation and hide it until somebody writes in it, or end a group with `?scope=everyone`',
    tags,
    params,
    querystring: closed({ scope: Type.Optional(oneOf('everyone', 'me')) }),
    response: { 204: Type.Null() }
  }
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
    response: { 200: Revised }
  }
})

export const ChangeMember = route({
  method: 'PATCH',
  url: '/conversations/:conversationId/members/:userId',
  schema: {
    summary: 'Change somebody’s role in a group',
    tags,
    params: memberParams,
    body: withExamples(closed({ role: MemberRole.data.properties.role }), { role: 'admin' }),
    response: { 200: Revised }
  }
})

export const RemoveMember = route({
  method: 'DELETE',
  url: '/conversations/:conversationId/members/:userId',
  schema: { summary: 'Remove somebody from a group', tags, params: memberParams, response: { 200: Revised } }
})

export const LeaveConversation = route({
  method: 'POST',
  url: '/conversations/:conversationId/leave',
  schema: { summary: 'Leave a group', tags, params, response: { 200: Revised } }
})

export const SetReceipt = route({
  method: 'POST',
  url: '/conversations/:conversationId/receipts',
  schema: {
    summary: 'Say how far you have received and read',
    tags,
    params,
    body: withExamples(closed({ deliveredSeq: Type.Optional(Counter), readSeq: Type.Optional(Counter) }), {
      readSeq: 1
    }),
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
