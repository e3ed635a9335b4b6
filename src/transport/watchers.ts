import type { Presence } from '../../protocol/entities/user.ts'
import { PresenceChanged } from '../../protocol/events/live.ts'
import { bareId } from '../../protocol/ids.ts'
import type { UserEvent } from '../../protocol/index.ts'
import { offline, type Services } from '../services/index.ts'
import { Audience } from './audience.ts'
import type { Connection } from './connection.ts'

/** What of an account changes who may see whom. */
const CHANGES_SIGHT = new Set<UserEvent['type']>([
  'blocks:updated',
  'contacts:updated',
  'request:updated',
  'settings:updated'
])

interface WatcherParts {
  presence: Pick<Services['presence'], 'current' | 'visibleTo'>
  onError: (error: unknown) => void
}

/**
 * The connections that want to know who comes and goes. Who may see whom is found out when somebody begins to watch
 * and when a block, a setting or a contact of one of the two changes, so that telling an event costs one look into
 * a map. In doubt nothing passes: a pair is hidden at once, and shown when the store has said so.
 */
export class Watchers {
  readonly #presence: WatcherParts['presence']
  readonly #onError: (error: unknown) => void
  /** Whom each connection wants to know of. */
  readonly #wishes = new Map<Connection, ReadonlySet<string>>()
  /** Who wants to know of a person, and who of them may. */
  readonly #watching = new Map<string, Set<Connection>>()
  readonly #seeing = new Map<string, Set<Connection>>()
  /** What has changed while somebody was reading, by person; empty when nobody is. */
  readonly #changes = new Map<string, number>()
  #clock = 0
  #reading = 0

  constructor({ presence, onError }: WatcherParts) {
    this.#presence = presence
    this.#onError = onError
  }

  /** Tells a connection of these people from the answer on, instead of those before. */
  async watch(connection: Connection, userIds: readonly string[]): Promise<void> {
    const viewer = connection.actor?.userId
    if (userIds.length === 0 || viewer === undefined || !connection.isOpen) return this.forget(connection)
    const wishes = new Set(userIds.map(bareId))
    const former = this.#wishes.get(connection) ?? new Set()
    // Of who stays nothing is missed meanwhile.
    for (const id of former) if (!wishes.has(id)) this.#unwatch(id, connection)
    this.#wishes.set(connection, wishes)
    const ids = [...wishes].filter(id => !former.has(id))
    for (const id of ids) add(this.#watching, id, connection)
    await this.#showAllowed(viewer, ids, id => [{ connection, id, other: id }])
  }

  forget(connection: Connection): void {
    for (const id of this.#wishes.get(connection) ?? []) this.#unwatch(id, connection)
    this.#wishes.delete(connection)
  }

  #unwatch(id: string, connection: Connection): void {
    remove(this.#watching, id, connection)
    remove(this.#seeing, id, connection)
  }

  tell(presence: Presence): void {
    const connections = this.#seeing.get(bareId(presence.userId))
    if (connections === undefined) return
    Audience.of(connections).tell({ event: PresenceChanged.create(presence) })
  }

  /** Tells one connection of those whom it sees. */
  tellTo(connection: Connection, presences: Iterable<Presence>): void {
    for (const presence of presences) {
      const isSeen = this.#seeing.get(bareId(presence.userId))?.has(connection) === true
      if (isSeen) Audience.of([connection]).tell({ event: PresenceChanged.create(presence) })
    }
  }

  /** Something of somebody's account changed; `own` are their connections. */
  accountChanged(userId: string, type: UserEvent['type'], own: Iterable<Connection>): void {
    if (CHANGES_SIGHT.has(type)) this.refresh(userId, own)
  }

  /**
   * Finds out anew whom somebody may see, and who may see them. Who sees or saw somebody concerned is told how it is
   * now; who did not and does not hears nothing, or they could tell hidden from absent.
   */
  refresh(userId: string, own: Iterable<Connection>): void {
    const pairs = this.#pairsOf(userId, own)
    this.#changes.set(userId, ++this.#clock)
    if (pairs.length === 0) return this.#forgetChanges()
    const former = pairs.filter(({ connection, id }) => remove(this.#seeing, id, connection))
    const byOther = new Map<string, Pair[]>()
    for (const pair of pairs) byOther.set(pair.other, [...(byOther.get(pair.other) ?? []), pair])
    this.#showAllowed(userId, [...byOther.keys()], other => byOther.get(other) ?? [])
      .then(async () => await this.#tellNow(pairs, new Set(former)))
      .catch(this.#onError)
  }

  /** Who watches somebody, and whom they watch themselves on the given connections. */
  #pairsOf(userId: string, own: Iterable<Connection>): Pair[] {
    const pairs: Pair[] = []
    for (const connection of this.#watching.get(userId) ?? []) {
      if (connection.actor !== undefined) pairs.push({ connection, id: userId, other: connection.actor.userId })
    }
    for (const connection of own) {
      for (const id of this.#wishes.get(connection) ?? []) pairs.push({ connection, id, other: id })
    }
    return pairs
  }

  /** Shows the pairs of a person with those others who may; what changed meanwhile is left to who changed it. */
  async #showAllowed(
    userId: string,
    others: readonly string[],
    pairsWith: (other: string) => readonly Pair[]
  ): Promise<void> {
    const since = this.#clock
    this.#reading += 1
    try {
      const visible = await this.#presence.visibleTo(userId, others)
      const isStale = (id: string): boolean => (this.#changes.get(id) ?? 0) > since
      if (isStale(userId)) return
      for (const other of visible) {
        if (!isStale(other)) for (const pair of pairsWith(other)) this.#show(pair)
      }
    } finally {
      this.#reading -= 1
      this.#forgetChanges()
    }
  }

  #show({ connection, id }: Pair): void {
    if (this.#wishes.get(connection)?.has(id) === true) add(this.#seeing, id, connection)
  }

  async #tellNow(pairs: readonly Pair[], former: ReadonlySet<Pair>): Promise<void> {
    const ids = [...new Set(pairs.map(({ id }) => id))]
    const current = new Map((await this.#presence.current(ids)).map(it => [bareId(it.userId), it]))
    for (const pair of pairs) {
      const isSeen = this.#seeing.get(pair.id)?.has(pair.connection) === true
      const presence = isSeen ? current.get(pair.id) : former.has(pair) ? offline(pair.id) : undefined
      if (presence !== undefined) Audience.of([pair.connection]).tell({ event: PresenceChanged.create(presence) })
    }
  }

  #forgetChanges(): void {
    if (this.#reading === 0) this.#changes.clear()
  }
}

/** A connection that wants to know of somebody; `other` is the one of the two who is not asked about. */
interface Pair {
  readonly connection: Connection
  readonly id: string
  readonly other: string
}

function add(map: Map<string, Set<Connection>>, id: string, connection: Connection): void {
  map.set(id, (map.get(id) ?? new Set()).add(connection))
}

/** @returns whether it was there */
function remove(map: Map<string, Set<Connection>>, id: string, connection: Connection): boolean {
  const connections = map.get(id)
  if (connections?.delete(connection) !== true) return false
  if (connections.size === 0) map.delete(id)
  return true
}
