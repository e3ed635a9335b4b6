import { type Static, Type } from '@sinclair/typebox'
import { UserId } from '../ids.ts'
import { CONTACTS_PER_SYNC } from '../limits.ts'
import { route } from '../route.ts'
import { closed, PageLimit, PLAIN_TEXT, withExamples } from '../schema.ts'
import {
  Bio,
  Block,
  Contact,
  ContactName,
  ContactSource,
  DisplayName,
  Friend,
  Me,
  PictureUrl,
  PublicKey,
  Settings,
  SettingsChanges,
  StatusText,
  User,
  Username
} from './entities.ts'

const limit = Type.Optional(PageLimit)

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

const AddressBookPhone = Type.String({ minLength: 1, maxLength: 64, examples: ['+49 30 901820'] })

/** Entries of an address book that have an account here; `phone` as it was given. */
export const ContactMatches = closed({
  matches: Type.Array(
    closed({ phone: Type.String({ examples: ['+49 30 901820'] }), name: Type.Optional(ContactName), user: User })
  ),
  unreadable: Type.Integer({
    minimum: 0,
    description: 'Entries that are no number, or lack a country where none is known.'
  })
})
export type ContactMatches = Static<typeof ContactMatches>

export const SyncContacts = route({
  method: 'POST',
  url: '/contacts/sync',
  schema: {
    summary: 'Find an address book’s people; those found become contacts, and other numbers are not kept',
    tags: ['contacts'],
    body: withExamples(
      closed({
        contacts: Type.Array(
          Type.Union([AddressBookPhone, closed({ phone: AddressBookPhone, name: Type.Optional(ContactName) })]),
          { maxItems: CONTACTS_PER_SYNC }
        )
      }),
      { contacts: [{ phone: '+49 30 901820', name: 'Bob' }] }
    ),
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
    body: withExamples(closed({ name: Type.Optional(ContactName) }), { name: 'Bob' }),
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

const tags = ['users']

export const GetMe = route({
  method: 'GET',
  url: '/users/me',
  schema: { summary: 'Your profile', tags, response: { 200: Me } }
})

export const UpdateMe = route({
  method: 'PATCH',
  url: '/users/me',
  schema: {
    summary: 'Change your profile; an empty text takes a field away',
    tags,
    body: withExamples(
      closed({
        username: Type.Optional(Username),
        displayName: Type.Optional(DisplayName),
        avatarUrl: Type.Optional(Type.Union([PictureUrl, Type.Literal('')])),
        bio: Type.Optional(Bio),
        statusText: Type.Optional(StatusText),
        publicKey: Type.Optional(PublicKey)
      }),
      { displayName: 'Ada', bio: 'Walks home' }
    ),
    response: { 200: Me }
  }
})

export type ProfileChanges = Static<typeof UpdateMe.schema.body>

export const GetUser = route({
  method: 'GET',
  url: '/users/:userId',
  schema: { summary: 'Somebody’s profile', tags, params: closed({ userId: UserId }), response: { 200: User } }
})

export const SearchUsers = route({
  method: 'GET',
  url: '/users/search',
  schema: {
    summary:
      'People by the beginning of their username or of a word of their name, or by a whole phone number or email; the best first',
    tags,
    querystring: closed({
      q: Type.String({ minLength: 1, maxLength: 64, pattern: PLAIN_TEXT, examples: ['bob'] }),
      limit: Type.Optional(PageLimit)
    }),
    response: { 200: closed({ users: Type.Array(User) }) }
  }
})
