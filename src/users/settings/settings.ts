import type { Settings, SettingsChanges } from '../../../protocol/users/entities.ts'
import { SettingsUpdated } from '../../../protocol/users/events.ts'
import type { Actor } from '../../actor.ts'
import type { Bus } from '../../bus/bus.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { RecentCache } from '../../limits/recent-cache.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { AccountStore } from '../../streams/store.ts'
import type { SettingsDoc, SettingsStore } from './store.ts'

const MAX_CACHED = 50_000

/** Settings of a person who has never changed them. */
export const DEFAULT_SETTINGS: Settings = {
  notifications: {
    enabled: true,
    messageNotifications: true,
    groupNotifications: true,
    sound: true,
    vibration: true
  },
  privacy: {
    lastSeen: 'everyone',
    profilePhoto: 'everyone',
    about: 'everyone',
    findByPhone: 'everyone',
    findByEmail: 'everyone',
    whoMayStart: 'everyone',
    whoMayAdd: 'everyone',
    nameInForwards: 'everyone'
  },
  theme: 'system',
  language: 'en'
}

interface SettingsDeps {
  store: { readonly accounts: AccountStore; readonly settings: SettingsStore }
  bus: Bus
  config: Pick<Config, 'timings'>
}

/** Settings of people: notifications, privacy, theme and language. */
export class SettingsService {
  readonly #store: { readonly accounts: AccountStore; readonly settings: SettingsStore }
  readonly #bus: Bus
  readonly #recent: RecentCache<Settings>

  constructor({ store, bus, config }: SettingsDeps) {
    this.#store = store
    this.#bus = bus
    this.#recent = new RecentCache(async id => await this.#load(id), config.timings.settingsCacheMs, MAX_CACHED)
  }

  /** Looks settings up anew that another server may have changed. @param userIds 24 hexadecimal digits each */
  forget(userIds: Iterable<string>): void {
    for (const id of userIds) this.#recent.delete(id)
  }

  /** The actor's settings as they are now. */
  async get({ userId }: Pick<Actor, 'userId'>): Promise<Settings> {
    return await this.#load(userId)
  }

  /** Time of the actor's last change of settings, ISO 8601; `undefined` if there was none. */
  async changedAt({ userId }: Pick<Actor, 'userId'>): Promise<string | undefined> {
    return (await this.#store.settings.find(new ObjectId(userId)))?.updatedAt?.toISOString()
  }

  /**
   * Anybody's settings, for deciding about notifications: a change here counts at once, one on another node within
   * seconds. @param userId 24 hexadecimal digits
   */
  async findByUser(userId: string): Promise<Settings> {
    return await this.#recent.get(userId)
  }

  /** Changes what is given and leaves the rest; tells the actor's devices. */
  async update(actor: Actor, changes: SettingsChanges): Promise<Settings> {
    const fields = pathsOf(changes)
    if (Object.keys(fields).length === 0) return await this.get(actor)
    const userId = new ObjectId(actor.userId)
    let settings = DEFAULT_SETTINGS
    const rev = await this.#store.accounts.change(userId, 'settings', userId, async session => {
      settings = presentSettings(await this.#store.settings.set(userId, fields, session))
    })
    this.#recent.delete(actor.userId)
    this.#bus.publish('user', { userId: actor.userId, rev, event: SettingsUpdated.create(settings) })
    return settings
  }

  async #load(userId: string): Promise<Settings> {
    return presentSettings(await this.#store.settings.find(new ObjectId(userId)))
  }
}

/** A row with the defaults for what it does not say. */
function presentSettings(row: SettingsDoc | null): Settings {
  return {
    notifications: { ...DEFAULT_SETTINGS.notifications, ...row?.notifications },
    privacy: { ...DEFAULT_SETTINGS.privacy, ...row?.privacy },
    theme: row?.theme ?? DEFAULT_SETTINGS.theme,
    language: row?.language ?? DEFAULT_SETTINGS.language
  }
}

/** `{privacy: {lastSeen}}` → `{'privacy.lastSeen'}`, for the fields that there are. */
function pathsOf({ notifications = {}, privacy = {}, theme, language }: SettingsChanges): Record<string, unknown> {
  return {
    ...prefixed('notifications', DEFAULT_SETTINGS.notifications, notifications),
    ...prefixed('privacy', DEFAULT_SETTINGS.privacy, privacy),
    ...omitUndefined({ theme, language })
  }
}

function prefixed(group: string, known: object, changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = Object.keys(known).filter(name => changes[name] !== undefined)
  return Object.fromEntries(names.map(name => [`${group}.${name}`, changes[name]]))
}
