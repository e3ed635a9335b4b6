import type { Presence } from '../../protocol/entities/user.ts'
import { bareId, prefixedId } from '../../protocol/ids.ts'
import type { Bus } from '../bus/bus.ts'
import { ObjectId, type Store } from '../store/index.ts'

type Status = 'online' | 'away'

interface PresenceParts {
  store: Pick<Store, 'users'>
  bus: Bus
}

/** Who has a connection to this process, over all their devices. Online when one device is, away when none is. */
export class PresenceService {
  readonly #store: PresenceParts['store']
  readonly #bus: Bus
  /** By user, then by connection. */
  readonly #devices = new Map<string, Map<string, Status>>()

  constructor({ store, bus }: PresenceParts) {
    this.#store = store
    this.#bus = bus
  }

  /** A connection came, or shows itself as in use or not. */
  set(userId: string, connectionId: string, status: Status): void {
    const before = this.#statusOf(userId)
    const devices = this.#devices.get(userId) ?? new Map<string, Status>()
    devices.set(connectionId, status)
    this.#devices.set(userId, devices)
    this.#tellIfChanged(userId, before)
  }

  /** A connection went; with the last one the person is offline, and when they were seen last is kept. */
  async remove(userId: string, connectionId: string): Promise<void> {
    const before = this.#statusOf(userId)
    const devices = this.#devices.get(userId)
    if (devices?.delete(connectionId) !== true) return
    if (devices.size > 0) return this.#tellIfChanged(userId, before)
    this.#devices.delete(userId)
    const lastSeenAt = new Date()
    this.#tell({ userId: prefixedId('user', userId), status: 'offline', lastSeenAt: lastSeenAt.toISOString() })
    await this.#store.users.setLastSeen(new ObjectId(userId), lastSeenAt)
  }

  /** The presence of these people, in their order; who does not exist is offline like anybody else. */
  async get(userIds: readonly string[]): Promise<Presence[]> {
    const bare = userIds.map(bareId)
    const away = bare.filter(id => this.#statusOf(id) === 'offline').map(id => new ObjectId(id))
    const seen = await this.#store.users.lastSeen(away)
    return bare.map(id => {
      const lastSeenAt = seen.get(id)
      return {
        userId: prefixedId('user', id),
        status: this.#statusOf(id),
        ...(lastSeenAt === undefined ? {} : { lastSeenAt: lastSeenAt.toISOString() })
      }
    })
  }

  #statusOf(userId: string): Presence['status'] {
    const devices = this.#devices.get(userId)
    if (devices === undefined) return 'offline'
    for (const status of devices.values()) if (status === 'online') return 'online'
    return 'away'
  }

  #tellIfChanged(userId: string, before: Presence['status']): void {
    const status = this.#statusOf(userId)
    if (status !== before) this.#tell({ userId: prefixedId('user', userId), status })
  }

  #tell(presence: Presence): void {
    this.#bus.emit('presence', presence)
  }
}
