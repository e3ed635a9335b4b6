import { bareId, prefixedId } from '../../protocol/ids.ts'
import type { Presence, PresenceStatus } from '../../protocol/presence/entities.ts'
import type { Actor } from '../actor.ts'
import type { Bus } from '../bus/bus.ts'
import { ObjectId } from '../database/index.ts'
import { Coalescer } from '../limits/coalescer.ts'
import { omitUndefined } from '../omit-undefined.ts'

/** Keeps when people were seen last. */
interface LastSeenPort {
  set(userId: ObjectId, at: Date): Promise<void>
  setAll(userIds: readonly ObjectId[], at: Date): Promise<void>
  findByUsers(userIds: readonly ObjectId[]): Promise<ReadonlyMap<string, Date>>
}

interface PresenceDeps {
  readonly store: { readonly lastSeen: LastSeenPort }
  readonly bus: Bus
  /** People whose presence the viewer may see, and who may see the viewer's. */
  readonly visiblePresence: (viewerId: string, userIds: readonly string[]) => Promise<Set<string>>
  /** Time between two changes of one person that are told, ms. */
  readonly pauseMs: number
}

/**
 * Presence of people with connections to this process, over all devices. Online when one device is, away when none
 * is, and offline without any, or when all say so. A viewer who may not see it gets what is told of a stranger who
 * never came: offline, and nothing else.
 */
export class PresenceService {
  readonly #store: PresenceDeps['store']
  readonly #visiblePresence: PresenceDeps['visiblePresence']
  /** Status by user, then by connection. */
  readonly #devices = new Map<string, Map<string, PresenceStatus>>()
  /** Last-seen times on their way to the store. */
  readonly #beingKept = new Map<string, Date>()
  readonly #changes: Coalescer<Presence>
  #onlineCount = 0

  constructor({ store, bus, visiblePresence, pauseMs }: PresenceDeps) {
    this.#store = store
    this.#visiblePresence = visiblePresence
    this.#changes = new Coalescer(pauseMs, presence => bus.publish('presence', presence))
  }

  /** A connection came, or shows itself as in use, not in use, or not there. */
  set(userId: string, connectionId: string, status: PresenceStatus): void {
    const before = this.#statusOf(userId)
    const devices = this.#devices.get(userId) ?? new Map<string, PresenceStatus>()
    devices.set(connectionId, status)
    this.#devices.set(userId, devices)
    this.#emitIfChanged(userId, before)
  }

  /** Set the status of the actor's connected devices; without any the actor is offline anyway. */
  setStatus({ userId }: Pick<Actor, 'userId'>, status: PresenceStatus): void {
    const devices = this.#devices.get(userId)
    if (devices === undefined) return
    const before = this.#statusOf(userId)
    for (const connectionId of devices.keys()) devices.set(connectionId, status)
    this.#emitIfChanged(userId, before)
  }

  /** A connection went; with the last one the person is offline, and when they were seen last is kept. */
  async remove(userId: string, connectionId: string): Promise<void> {
    const before = this.#statusOf(userId)
    const devices = this.#devices.get(userId)
    if (devices?.delete(connectionId) !== true) return
    if (devices.size > 0) return this.#emitIfChanged(userId, before)
    this.#devices.delete(userId)
    // Who was shown as offline before was seen last then, and not now.
    if (before === 'offline') return
    this.#onlineCount -= 1
    const lastSeenAt = new Date()
    try {
      // Kept before it is told, so that whoever asks because they were told finds it.
      await this.#store.lastSeen.set(new ObjectId(userId), lastSeenAt)
    } finally {
      const isBack = this.#devices.has(userId)
      const presence = { userId: prefixedId('user', userId), lastSeenAt: lastSeenAt.toISOString() }
      if (!isBack) this.#emit({ ...presence, status: 'offline' })
    }
  }

  /** The presence of these people as the actor may see it, in their order. Ids in either form. */
  async get(actor: Pick<Actor, 'userId'>, userIds: readonly string[]): Promise<Presence[]> {
    const bare = userIds.map(bareId)
    const visible = await this.visibleTo(actor.userId, bare)
    const current = await this.current([...visible])
    const known = new Map(current.map(presence => [bareId(presence.userId), presence]))
    return bare.map(id => known.get(id) ?? offline(id))
  }

  /** The presence of these people, for who is known to be allowed to see it. Ids are 24 hexadecimal digits. */
  async current(ids: readonly string[]): Promise<Presence[]> {
    const away = ids.filter(id => this.#statusOf(id) === 'offline')
    // Before the store is read: what has arrived there meanwhile is found there.
    const beingKept = new Map(away.map(id => [id, this.#beingKept.get(id)]))
    const seen = await this.#store.lastSeen.findByUsers(away.map(id => new ObjectId(id)))
    return ids.map(id => {
      const status = this.#statusOf(id)
      const lastSeenAt = status === 'offline' ? (beingKept.get(id) ?? seen.get(id)) : undefined
      return { ...offline(id), status, ...omitUndefined({ lastSeenAt: lastSeenAt?.toISOString() }) }
    })
  }

  /** People whose presence the viewer may see, and who may see the viewer's. Ids are 24 hexadecimal digits. */
  async visibleTo(viewerId: string, userIds: readonly string[]): Promise<Set<string>> {
    return await this.#visiblePresence(viewerId, userIds)
  }

  /** Number of people online or away here. */
  onlineCount(): number {
    return this.#onlineCount
  }

  /**
   * Keeps that who is online or away here is seen now, so that after a crash it is known when they were seen last. To
   * be repeated at intervals.
   */
  async keepSightings(): Promise<void> {
    const now = new Date()
    const seen = [...this.#devices.keys()].filter(userId => this.#statusOf(userId) !== 'offline')
    await this.#store.lastSeen.setAll(
      seen.map(id => new ObjectId(id)),
      now
    )
  }

  #statusOf(userId: string): PresenceStatus {
    const statuses = [...(this.#devices.get(userId)?.values() ?? [])]
    if (statuses.includes('online')) return 'online'
    return statuses.includes('away') ? 'away' : 'offline'
  }

  #emitIfChanged(userId: string, before: PresenceStatus): void {
    const status = this.#statusOf(userId)
    if (status === before) return
    if (before === 'offline') {
      this.#onlineCount += 1
      // A crash tells nobody that it comes; what was told does not wait for this.
      void this.#store.lastSeen.set(new ObjectId(userId), new Date()).catch(() => undefined)
    }
    if (status !== 'offline') return this.#emit({ ...offline(userId), status })
    this.#onlineCount -= 1
    const lastSeenAt = new Date()
    this.#emit({ ...offline(userId), lastSeenAt: lastSeenAt.toISOString() })
    // A hint for later; what was told does not wait for it.
    this.#beingKept.set(userId, lastSeenAt)
    const forget = () => {
      if (this.#beingKept.get(userId) === lastSeenAt) this.#beingKept.delete(userId)
    }
    void this.#store.lastSeen.set(new ObjectId(userId), lastSeenAt).then(forget, forget)
  }

  #emit(presence: Presence): void {
    this.#changes.push(presence.userId, presence)
  }
}

/** Presence of a person who is offline, or hidden from the viewer. */
export function offline(bare: string): Presence {
  return { userId: prefixedId('user', bare), status: 'offline' }
}
