import { type Static, Type } from '@sinclair/typebox'
import {
  Block,
  Contact,
  ContactName,
  ContactSource,
  Friend,
  PersonRequest,
  RequestKind,
  RequestStatus,
  RequestText,
  Settings,
  SettingsChanges
} from '../entities/people.ts'
import { PresenceStatus, User } from '../entities/user.ts'
import { RequestId, UserId } from '../ids.ts'
import { CONTACTS_PER_SYNC, MAX_PAGE_SIZE } from '../limits.ts'
import { closed, oneOf } from '../schema.ts'
import { route } from './route.ts'

const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE }))
const userParams = closed({ userId: UserId })
const pageOf = closed({ limit, after: Type.Optional(UserId) })

export const GetSettings = route({
  method: 'GET',
  url: '/users/me/settings',
  schema: { summary: 'Your settings', tags: ['users'], response: { 200: Settings } }
})

export const UpdateSettings = route({
  method: 'PATCH',
  url: '/users/me/settings',
  schema: {
    summary: 'Change some of your settings; the others stay',
    tags: ['users'],
    body: SettingsChanges,
    response: { 200: Settings }
  }
})

export const CountPresence = route({
  method: 'GET',
  url: '/presence/count',
  schema: {
    summary: 'How many people are there',
    tags: ['users'],
    response: { 200: closed({ count: Type.Integer({ minimum: 0 }) }) }
  }
})

export const SetPresence = route({
  method: 'PUT',
  url: '/presence',
  schema: {
    summary: 'How you are shown, on all the devices that are connected now',
    tags: ['users'],
    body: closed({ status: PresenceStatus }),
    response: { 204: Type.Null() }
  }
})

export const BlockPage = closed({ blocks: Type.Array(Block), next: Type.Optional(Type.String()) })
export type BlockPage = Static<typeof BlockPage>
const cursorOf = closed({ limit, after: Type.Optional(Type.String({ pattern: '^[0-9a-f]{24}$', maxLength: 24 })) })

export const ListBlocks = route({
  method: 'GET',
  url: '/blocks',
  schema: {
    summary: 'Whom you have blocked, newest first',
    tags: ['blocks'],
    querystring: cursorOf,
    response: { 200: BlockPage }
  }
})

export const AddBlock = route({
  method: 'POST',
  url: '/blocks',
  schema: {
    summary: 'Block somebody: nothing passes between the two any more, either way',
    tags: ['blocks'],
    body: userParams,
    response: { 204: Type.Null() }
  }
})

export const RemoveBlock = route({
  method: 'DELETE',
  url: '/blocks/:userId',
  schema: { summary: 'Take a block back', tags: ['blocks'], params: userParams, response: { 204: Type.Null() } }
})

const AddressBookPhone = Type.String({ minLength: 1, maxLength: 64 })

/** Entries of an address book that have an account here; `phone` as it was given. */
export const ContactMatches = closed({
  matches: Type.Array(closed({ phone: Type.String(), name: Type.Optional(ContactName), user: User }))
})
export type ContactMatches = Static<typeof ContactMatches>

export const SyncContacts = route({
  method: 'POST',
  url: '/contacts/sync',
  schema: {
    summary: 'Find an address book’s people; those found become contacts, and other numbers are not kept',
    tags: ['contacts'],
    body: closed({
      contacts: Type.Array(
        Type.Union([AddressBookPhone, closed({ phone: AddressBookPhone, name: Type.Optional(ContactName) })]),
        { maxItems: CONTACTS_PER_SYNC }
      )
    }),
    response: { 200: ContactMatches }
  }
})
export type AddressBookEntry = Static<typeof SyncContacts.schema.body>['contacts'][number]

export const ContactPage = closed({ contacts: Type.Array(Contact), next: Type.Optional(UserId) })
export type ContactPage = Static<typeof ContactPage>

export const ListContacts = route({
  method: 'GET',
  url: '/contacts',
  schema: {
    summary: 'Your contacts, in the order of their ids',
    tags: ['contacts'],
    querystring: closed({ ...pageOf.properties, source: Type.Optional(ContactSource) }),
    response: { 200: ContactPage }
  }
})

export const AddContact = route({
  method: 'PUT',
  url: '/contacts/:userId',
  schema: {
    summary: 'Make somebody a contact, or name them',
    tags: ['contacts'],
    params: userParams,
    body: closed({ name: Type.Optional(ContactName) }),
    response: { 204: Type.Null() }
  }
})

export const RemoveContact = route({
  method: 'DELETE',
  url: '/contacts/:userId',
  schema: {
    summary: 'Take somebody from your contacts',
    tags: ['contacts'],
    params: userParams,
    response: { 204: Type.Null() }
  }
})

export const FriendPage = closed({ friends: Type.Array(Friend), next: Type.Optional(Type.String()) })
export type FriendPage = Static<typeof FriendPage>

export const ListFriends = route({
  method: 'GET',
  url: '/friends',
  schema: {
    summary: 'Your friends, newest first',
    tags: ['friends'],
    querystring: cursorOf,
    response: { 200: FriendPage }
  }
})

export const RemoveFriend = route({
  method: 'DELETE',
  url: '/friends/:userId',
  schema: {
    summary: 'End a friendship; the two stay contacts',
    tags: ['friends'],
    params: userParams,
    response: { 204: Type.Null() }
  }
})

const requestTags = ['requests']
const requestParams = closed({ requestId: RequestId })

export const SendRequest = route({
  method: 'POST',
  url: '/requests',
  schema: {
    summary: 'Ask somebody to talk or to be friends; who was asked by them already accepts',
    tags: requestTags,
    body: closed({ kind: RequestKind, to: UserId, message: Type.Optional(RequestText) }),
    response: { 200: PersonRequest }
  }
})
export type NewRequest = Static<typeof SendRequest.schema.body>

export const RequestPage = closed({ requests: Type.Array(PersonRequest), next: Type.Optional(RequestId) })
export type RequestPage = Static<typeof RequestPage>

export const ListRequests = route({
  method: 'GET',
  url: '/requests',
  schema: {
    summary: 'Requests to you and by you, newest first',
    tags: requestTags,
    querystring: closed({
      limit,
      after: Type.Optional(RequestId),
      direction: Type.Optional(oneOf('incoming', 'outgoing')),
      status: Type.Optional(RequestStatus),
      kind: Type.Optional(RequestKind)
    }),
    response: { 200: RequestPage }
  }
})
export type RequestQuery = Static<typeof ListRequests.schema.querystring>

export const AcceptRequest = route({
  method: 'POST',
  url: '/requests/:requestId/accept',
  schema: {
    summary: 'Accept a request: the two become contacts, and have a conversation',
    tags: requestTags,
    params: requestParams,
    response: { 200: PersonRequest }
  }
})

export const DeclineRequest = route({
  method: 'POST',
  url: '/requests/:requestId/decline',
  schema: { summary: 'Decline a request', tags: requestTags, params: requestParams, response: { 200: PersonRequest } }
})

export const CancelRequest = route({
  method: 'POST',
  url: '/requests/:requestId/cancel',
  schema: { summary: 'Take a request back', tags: requestTags, params: requestParams, response: { 200: PersonRequest } }
})
