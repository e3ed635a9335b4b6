import * as people from '../../protocol/users/routes.ts'
import { GetMe, GetUser, SearchUsers, UpdateMe } from '../../protocol/users/routes.ts'
import { type BoundRoute, route } from '../contract/route.ts'
import type { BlockService } from './blocks/blocks.ts'
import type { ContactService } from './contacts/contacts.ts'
import type { Directory } from './directory.ts'
import type { FriendService } from './friends/friends.ts'
import type { SettingsService } from './settings/settings.ts'
import type { UserService } from './users.ts'

/** An address book of 5,000 people with long names. */
const ADDRESS_BOOK_BYTES = 1_048_576

interface UserRouteDeps {
  readonly users: UserService
  readonly directory: Directory
  readonly blocks: BlockService
  readonly contacts: ContactService
  readonly friends: FriendService
  readonly settings: SettingsService
}

/** Routes of profiles, settings, blocks, contacts and friends. */
export function userRoutes(deps: UserRouteDeps): BoundRoute[] {
  return [...profileRoutes(deps), ...choiceRoutes(deps), ...contactRoutes(deps)]
}

function profileRoutes({ users, directory }: UserRouteDeps): BoundRoute[] {
  return [
    route(GetMe, async ({ actor }) => await users.me(actor)),
    route(UpdateMe, async ({ actor, body }) => await users.update(actor, body)),
    route(GetUser, async ({ actor, params }) => await users.get(actor, params.userId)),
    route(SearchUsers, async ({ actor, query }) => ({ users: await directory.search(actor, query.q, query.limit) }))
  ]
}

function choiceRoutes({ blocks, settings }: UserRouteDeps): BoundRoute[] {
  return [
    route(people.GetSettings, async ({ actor }) => await settings.get(actor)),
    route(people.UpdateSettings, async ({ actor, body }) => await settings.update(actor, body)),
    route(people.ListBlocks, async ({ actor, query }) => await blocks.list(actor, query)),
    route(people.AddBlock, async ({ actor, body }) => await blocks.add(actor, body.userId)),
    route(people.RemoveBlock, async ({ actor, params }) => await blocks.remove(actor, params.userId))
  ]
}

function contactRoutes({ contacts, friends }: UserRouteDeps): BoundRoute[] {
  return [
    route(people.SyncContacts, async ({ actor, body }) => await contacts.sync(actor, body.contacts), {
      bodyLimit: ADDRESS_BOOK_BYTES
    }),
    route(people.ListContacts, async ({ actor, query }) => await contacts.list(actor, query)),
    route(people.AddContact, async ({ actor, params, body }) => {
      await contacts.add(actor, params.userId, body.name)
    }),
    route(people.RemoveContact, async ({ actor, params }) => await contacts.remove(actor, params.userId)),
    route(people.ListFriends, async ({ actor, query }) => await friends.list(actor, query)),
    route(people.RemoveFriend, async ({ actor, params }) => await friends.remove(actor, params.userId))
  ]
}
