import type { Audience, Settings } from '../../protocol/users/entities.ts'
import { ObjectId } from '../database/object-id.ts'
import type { BlockStore } from './blocks/store.ts'
import type { ContactStore } from './contacts/store.ts'
import { DEFAULT_SETTINGS } from './settings/settings.ts'
import type { SettingsStore } from './settings/store.ts'

/** What one person may see of another. */
export interface ProfileVisibility {
  /** One of the two has blocked the other: nothing but id and names. */
  readonly isBlocked: boolean
  /** Presence too. The same in both directions: who hides theirs does not see others’. */
  readonly lastSeen: boolean
  readonly profilePhoto: boolean
  readonly about: boolean
}

const EVERYTHING: ProfileVisibility = { isBlocked: false, lastSeen: true, profilePhoto: true, about: true }
const NOTHING: ProfileVisibility = { isBlocked: true, lastSeen: false, profilePhoto: false, about: false }
/** People that are looked up with one query. */
const LOOKED_UP_TOGETHER = 1_000

type Privacy = Settings['privacy']

/** What people may see of each other, by blocks, settings and contacts. Read from the store each time, and so exact. */
export class Visibility {
  readonly #store: { readonly blocks: BlockStore; readonly contacts: ContactStore; readonly settings: SettingsStore }

  constructor(store: {
    readonly blocks: BlockStore
    readonly contacts: ContactStore
    readonly settings: SettingsStore
  }) {
    this.#store = store
  }

  /** What a viewer may see of each of these; ids are 24 hexadecimal digits. */
  async findAll(viewerId: string, ownerIds: readonly string[]): Promise<Map<string, ProfileVisibility>> {
    const ids = [...new Set(ownerIds)]
    const sights = new Map<string, ProfileVisibility>()
    for (let start = 0; start < ids.length; start += LOOKED_UP_TOGETHER) {
      const page = ids.slice(start, start + LOOKED_UP_TOGETHER)
      for (const [id, sight] of await this.#page(viewerId, page)) sights.set(id, sight)
    }
    return sights
  }

  /** Those whose presence somebody may see, who are also those who may see theirs. */
  async visiblePresence(viewerId: string, ownerIds: readonly string[]): Promise<Set<string>> {
    const sights = await this.findAll(viewerId, ownerIds)
    return new Set([...sights].filter(([, sight]) => sight.lastSeen).map(([id]) => id))
  }

  async #page(viewerId: string, ownerIds: readonly string[]): Promise<[string, ProfileVisibility][]> {
    const viewer = new ObjectId(viewerId)
    const owners = ownerIds.map(id => new ObjectId(id))
    const { blocks, contacts, settings } = this.#store
    const [rows, knowers, known, blocked, blockers] = await Promise.all([
      settings.findMany([viewer, ...owners]),
      contacts.ownersAmong(viewer, owners),
      contacts.contactsAmong(viewer, owners),
      blocks.blockedAmong(viewer, owners),
      blocks.blockersAmong(viewer, owners)
    ])
    const privacy = new Map(rows.map(({ userId, privacy }) => [userId.toHexString(), privacy]))
    const privacyOf = (id: string): Privacy => ({ ...DEFAULT_SETTINGS.privacy, ...privacy.get(id) })
    const hasViewer = hexSet(knowers)
    const isKnown = hexSet(known.map(({ contactId }) => contactId))
    const apart = hexSet([...blocked, ...blockers])
    const own = privacyOf(viewerId)
    return ownerIds.map(id => {
      if (id === viewerId) return [id, EVERYTHING]
      if (apart.has(id)) return [id, NOTHING]
      const theirs = privacyOf(id)
      const sees = (audience: Audience): boolean => allows(audience, hasViewer.has(id))
      const lastSeen = sees(theirs.lastSeen) && allows(own.lastSeen, isKnown.has(id))
      return [id, { isBlocked: false, lastSeen, profilePhoto: sees(theirs.profilePhoto), about: sees(theirs.about) }]
    })
  }
}

function allows(audience: Audience, isContact: boolean): boolean {
  return audience === 'everyone' || (audience === 'contacts' && isContact)
}

function hexSet(ids: readonly ObjectId[]): Set<string> {
  return new Set(ids.map(id => id.toHexString()))
}
