import type { Audience, Settings } from '../../protocol/users/entities.ts'
import { ObjectId } from '../database/object-id.ts'
import type { BlockStore } from './blocks/store.ts'
import type { ContactStore } from './contacts/store.ts'
import { DEFAULT_SETTINGS } from './settings/settings.ts'
import type { SettingsDoc, SettingsStore } from './settings/store.ts'

/** Visibility of one person's profile to another. */
export interface ProfileVisibility {
  /** Person who sees it, 24 hexadecimal digits; absent where it is shown to several. */
  readonly viewerId?: string
  /** True when one of the two has blocked the other: nothing but id and names. */
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

/** Viewers who see the same of a profile; ids are 24 hexadecimal digits. */
interface Viewers {
  readonly visibility: Pick<ProfileVisibility, 'profilePhoto' | 'about'>
  readonly viewerIds: readonly string[]
}

type Privacy = Settings['privacy']

/** Visibility of profiles, by blocks, settings and contacts. Read from the store each time, and so exact. */
export class Visibility {
  readonly #store: { readonly blocks: BlockStore; readonly contacts: ContactStore; readonly settings: SettingsStore }

  constructor(store: {
    readonly blocks: BlockStore
    readonly contacts: ContactStore
    readonly settings: SettingsStore
  }) {
    this.#store = store
  }

  /** Visibility of each of these to a viewer; ids are 24 hexadecimal digits. */
  async findAll(viewerId: string, ownerIds: readonly string[]): Promise<Map<string, ProfileVisibility>> {
    const ids = [...new Set(ownerIds)]
    const visibilities = new Map<string, ProfileVisibility>()
    for (let start = 0; start < ids.length; start += LOOKED_UP_TOGETHER) {
      const page = ids.slice(start, start + LOOKED_UP_TOGETHER)
      for (const [id, visibility] of await this.#page(viewerId, page)) visibilities.set(id, visibility)
    }
    return visibilities
  }

  /** Viewers of one person's profile, together with those who see the same of it; without those blocked either way. */
  async viewersOf(ownerId: string, viewerIds: readonly string[]): Promise<Viewers[]> {
    const ids = [...new Set(viewerIds)].filter(id => id !== ownerId)
    const groups = { contacts: [] as string[], others: [] as string[] }
    const owner = new ObjectId(ownerId)
    const [row] = await this.#store.settings.findMany([owner])
    for (let start = 0; start < ids.length; start += LOOKED_UP_TOGETHER) {
      const page = ids.slice(start, start + LOOKED_UP_TOGETHER)
      const viewers = page.map(id => new ObjectId(id))
      const { blocks, contacts } = this.#store
      const [blocked, known] = await Promise.all([
        blocks.between(owner, viewers),
        row !== undefined && isForContacts(row) ? contacts.contactsAmong(owner, viewers) : []
      ])
      const blockedIds = hexSet(blocked.flatMap(({ blockerId, blockedId }) => [blockerId, blockedId]))
      const knownIds = hexSet(known.map(({ contactId }) => contactId))
      const seeing = page.filter(id => !blockedIds.has(id))
      groups.contacts.push(...seeing.filter(id => knownIds.has(id)))
      groups.others.push(...seeing.filter(id => !knownIds.has(id)))
    }
    const { profilePhoto, about } = { ...DEFAULT_SETTINGS.privacy, ...row?.privacy }
    const seenBy = (isContact: boolean) => ({
      profilePhoto: allows(profilePhoto, isContact),
      about: allows(about, isContact)
    })
    return [
      { visibility: seenBy(true), viewerIds: groups.contacts },
      { visibility: seenBy(false), viewerIds: groups.others }
    ].filter(group => group.viewerIds.length > 0)
  }

  /** Whether a person shows their picture to a viewer; unless told to anybody at all. Ids are 24 hexadecimal digits. */
  async showsPicture(ownerId: string, viewerId?: string): Promise<boolean> {
    if (viewerId !== undefined) return (await this.findAll(viewerId, [ownerId])).get(ownerId)?.profilePhoto === true
    const [row] = await this.#store.settings.findMany([new ObjectId(ownerId)])
    return { ...DEFAULT_SETTINGS.privacy, ...row?.privacy }.profilePhoto !== 'nobody'
  }

  /** People whose presence the viewer may see, and who may see the viewer's. */
  async visiblePresence(viewerId: string, ownerIds: readonly string[]): Promise<Set<string>> {
    const visibilities = await this.findAll(viewerId, ownerIds)
    return new Set([...visibilities].filter(([, visibility]) => visibility.lastSeen).map(([id]) => id))
  }

  async #page(viewerId: string, ownerIds: readonly string[]): Promise<[string, ProfileVisibility][]> {
    const viewer = new ObjectId(viewerId)
    const owners = ownerIds.map(id => new ObjectId(id))
    const { blocks, contacts, settings } = this.#store
    const [rows, blocked] = await Promise.all([settings.findMany([viewer, ...owners]), blocks.between(viewer, owners)])
    const known = rows.some(isForContacts) ? await contacts.between(viewer, owners) : []
    const privacy = new Map(rows.map(({ userId, privacy }) => [userId.toHexString(), privacy]))
    const privacyOf = (id: string): Privacy => ({ ...DEFAULT_SETTINGS.privacy, ...privacy.get(id) })
    const hasViewer = hexSet(known.map(({ ownerId }) => ownerId))
    const isKnown = hexSet(known.map(({ contactId }) => contactId))
    const blockedIds = hexSet(blocked.flatMap(({ blockerId, blockedId }) => [blockerId, blockedId]))
    const own = privacyOf(viewerId)
    return ownerIds.map(id => {
      if (id === viewerId) return [id, { ...EVERYTHING, viewerId }]
      if (blockedIds.has(id)) return [id, NOTHING]
      const theirs = privacyOf(id)
      const sees = (audience: Audience): boolean => allows(audience, hasViewer.has(id))
      const lastSeen = sees(theirs.lastSeen) && allows(own.lastSeen, isKnown.has(id))
      const [profilePhoto, about] = [sees(theirs.profilePhoto), sees(theirs.about)]
      return [id, { viewerId, isBlocked: false, lastSeen, profilePhoto, about }]
    })
  }
}

/** Whether somebody shows something to contacts alone; few do. */
function isForContacts({ privacy = {} }: SettingsDoc): boolean {
  return Object.values(privacy).includes('contacts')
}

/** Whether an audience holds somebody, who may be a contact. */
export function allows(audience: Audience, isContact: boolean): boolean {
  return audience === 'everyone' || (audience === 'contacts' && isContact)
}

function hexSet(ids: readonly ObjectId[]): Set<string> {
  return new Set(ids.map(id => id.toHexString()))
}
