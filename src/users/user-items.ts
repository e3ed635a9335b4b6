import { prefixedId } from '../../protocol/ids.ts'
import { BlocksUpdated, ContactsUpdated, SettingsUpdated, UserUpdated } from '../../protocol/users/events.ts'
import { ObjectId } from '../database/index.ts'
import { presentEach, type UserItemTable } from '../streams/user-items.ts'
import type { BlockStore } from './blocks/store.ts'
import type { SettingsService } from './settings/settings.ts'
import type { UserService } from './users.ts'

interface UserItemDeps {
  readonly users: Pick<UserService, 'me'>
  readonly settings: Pick<SettingsService, 'get'>
  readonly blocks: Pick<BlockStore, 'blockedAmong'>
}

/** Items of a person's own stream about profile, settings, blocks and contacts. */
export function createUserItems({
  users,
  settings,
  blocks
}: UserItemDeps): Pick<UserItemTable, 'profile' | 'settings' | 'block' | 'contacts'> {
  return {
    profile: async (actor, changes) => {
      const user = await users.me(actor)
      return presentEach(changes, ({ rev }) => ({
        item: { type: 'profile', rev, user },
        event: UserUpdated.create(user)
      }))
    },
    settings: async (actor, changes) => {
      const chosen = await settings.get(actor)
      return presentEach(changes, ({ rev }) => ({
        item: { type: 'settings', rev, settings: chosen },
        event: SettingsUpdated.create(chosen)
      }))
    },
    block: async ({ userId: me }, changes) => {
      const others = changes.map(({ ref }) => ref)
      const blocked = await blocks.blockedAmong(new ObjectId(me), others)
      return presentEach(changes, ({ rev, ref }) => {
        const userId = prefixedId('user', ref.toHexString())
        const block = { userId, isBlocked: blocked.some(it => it.equals(ref)) }
        return { item: { type: 'block', rev, ...block }, event: BlocksUpdated.create(block) }
      })
    },
    contacts: async (_actor, changes) =>
      await Promise.resolve(
        presentEach(changes, ({ rev }) => ({ item: { type: 'contacts', rev }, event: ContactsUpdated.create({}) }))
      )
  }
}
