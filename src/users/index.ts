import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import type { Collections, Database } from '../database/index.ts'
import type { Budgets } from '../limits/budgets.ts'
import { PresenceService } from '../presence/index.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { ClaimsPictures } from '../store/pictures.ts'
import type { AccountStore } from '../streams/store.ts'
import { AddressStore } from './addresses/store.ts'
import { BlockService } from './blocks/blocks.ts'
import { BlockStore } from './blocks/store.ts'
import { ContactService } from './contacts/contacts.ts'
import { ContactStore } from './contacts/store.ts'
import { Directory } from './directory.ts'
import { FriendService } from './friends/friends.ts'
import { FriendshipStore } from './friends/store.ts'
import { LastSeenStore } from './last-seen/store.ts'
import { LookUps } from './look-ups.ts'
import { PushTokenStore } from './push-tokens/store.ts'
import { SettingsService } from './settings/settings.ts'
import { SettingsStore } from './settings/store.ts'
import { StandingStore } from './standing/store.ts'
import { UserStore } from './store.ts'
import { createUserItems } from './user-items.ts'
import { UserService } from './users.ts'
import { Visibility } from './visibility.ts'

export { type Address, verified } from './addresses/address.ts'
export type { AddressStore } from './addresses/store.ts'
export type { BlockService } from './blocks/blocks.ts'
export type { ContactStore } from './contacts/store.ts'
export type { Directory } from './directory.ts'
export type { FriendshipStore } from './friends/store.ts'
export { userMigrations } from './migrations.ts'
export { presentMe } from './profiles.ts'
export type { PushTokenStore } from './push-tokens/store.ts'
export { DEFAULT_SETTINGS } from './settings/settings.ts'
export type { SettingsStore } from './settings/store.ts'
export type { StandingStore } from './standing/store.ts'
export type { Role, UserDoc, UserKey, UserStore } from './store.ts'
export type { ExternalProfile, UserService } from './users.ts'
export type { Visibility } from './visibility.ts'

/** The collections of people, and of what they are to each other. */
export const userCollections: Collections = {
  blocks: BlockStore.indexes,
  contacts: ContactStore.indexes,
  friendships: FriendshipStore.indexes,
  settings: SettingsStore.indexes,
  users: [...UserStore.indexes, ...AddressStore.indexes, ...PushTokenStore.indexes, ...StandingStore.indexes]
}

export function createUserStores({ db }: Database) {
  return {
    addresses: new AddressStore(db),
    blocks: new BlockStore(db),
    contacts: new ContactStore(db),
    friendships: new FriendshipStore(db),
    lastSeen: new LastSeenStore(db),
    pushTokens: new PushTokenStore(db),
    settings: new SettingsStore(db),
    standings: new StandingStore(db),
    users: new UserStore(db)
  }
}

interface UserDeps {
  readonly store: ReturnType<typeof createUserStores> & {
    readonly accounts: AccountStore
    readonly commits: Commits
    readonly conversations: ConversationStore
    readonly pictures: ClaimsPictures
  }
  readonly bus: Bus
  readonly config: Config
  readonly budgets: Budgets
}

/** People: profiles, settings, blocks, contacts and friends, and who of them is there. */
export function createUsers(deps: UserDeps) {
  const { store, bus, config } = deps
  const visibility = new Visibility(store)
  const users = new UserService({ ...deps, visibility })
  const lookUps = new LookUps(deps)
  const directory = new Directory({ ...deps, visibility, lookUps })
  const presence = new PresenceService({
    store,
    bus,
    visiblePresence: async (viewerId, userIds) => await visibility.visiblePresence(viewerId, userIds),
    pauseMs: config.timings.livePauseMs
  })
  const blocks = new BlockService({ ...deps, users })
  const settings = new SettingsService(deps)
  return {
    users,
    directory,
    blocks,
    contacts: new ContactService({ ...deps, lookUps, users, blocks }),
    friends: new FriendService({ ...deps, users, presence }),
    presence,
    settings,
    visibility,
    userItems: createUserItems({ users, settings, blocks: deps.store.blocks })
  }
}
