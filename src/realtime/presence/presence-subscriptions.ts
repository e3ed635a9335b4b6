import { bareId } from '../../../protocol/ids.ts'
import type { UserEvent } from '../../../protocol/index.ts'
import type { Presence } from '../../../protocol/presence/entities.ts'
import { PresenceChanged } from '../../../protocol/presence/events.ts'
import { offline } from '../../presence/index.ts'
import type { Connection } from '../connection.ts'
import { Recipients } from '../encoding/recipients.ts'
import type { PresencePort } from '../ports.ts'

/** Events after which other people may or may not see somebody. */
const CHANGES_VISIBILITY = new Set<UserEvent['type']>([
  'blocks:updated',
  'contacts:updated',
  'request:updated',
  'settings:updated'
])

interface SubscriptionDeps {
  readonly presence: Pick<PresencePort, 'current' | 'visibleTo'>
  /** Whether a connection is registered and has not left. */
  readonly isRegistered: (connection: Connection) => boolean
  readonly onError: (error: unknown) => void
}

/**
 * Connections by the people whose presence they are subscribed to. Who may see whom is found out when a subscription
 * begins and when a block, a setting or a contact of one of the two changes, so that sending an event costs one look
 * into a map. In doubt nothing passes: a pair is hidden at once, and shown when the store has said so.
 */
export class PresenceSubscriptions {
  readonly #deps: SubscriptionDeps
  /** The people that each connection is subscribed to. */
  readonly #subscribed = new Map<Connection, ReadonlySet<string>>()
  /** The subscribers of a person, and those of them who may see the person. */
  readonly #subscribers = new Map<string, Set<Connection>>()
  readonly #seeing = new Map<string, Set<Connection>>()
  /** Changes while somebody was reading, by person; empty when nobody is. */
  readonly #changes = new Map<string, number>()
  #clock = 0
  #reading = 0

  constructor(deps: SubscriptionDeps) {
    this.#deps = deps
  }

  /** Subscribes a connection to these people, instead of those before; from the answer on no change is missed. */
  async subscribe(connection: Connection, userIds: readonly string[]): Promise<void> {
    const viewer = connection.actor?.userId
    if (userIds.length === 0 || viewer === undefined || !this.#deps.isRegistered(connection)) {
      return this.unsubscribe(connection)
    }
    const wishes = new Set(userIds.map(bareId))
    const former = this.#subscribed.get(connection) ?? new Set()
    // Of who stays nothing is missed meanwhile.
    for (const id of former) if (!wishes.has(id)) this.#remove(id, connection)
    this.#subscribed.set(connection, wishes)
    const ids = [...wishes].filter(id => !former.has(id))
    for (const id of ids) add(this.#subscribers, id, connection)
    await this.#showAllowed(viewer, ids, id => [{ connection, id, other: id }])
  }

  unsubscribe(connection: Connection): void {
    for (const id of this.#subscribed.get(connection) ?? []) this.#remove(id, connection)
    this.#subscribed.delete(connection)
  }

  #remove(id: string, connection: Connection): void {
    remove(this.#subscribers, id, connection)
    remove(this.#seeing, id, connection)
  }

  /** Sends a change to those who may see the person. */
  send(presence: Presence): void {
    const connections = this.#seeing.get(bareId(presence.userId))
    if (connections === undefined) return
    Recipients.from(connections).send({ event: PresenceChanged.create(presence) })
  }

  /** Sends one connection the presence of those whom it may see. */
  sendTo(connection: Connection, presences: Iterable<Presence>): void {
    for (const presence of presences) {
      const isSeen = this.#seeing.get(bareId(presence.userId))?.has(connection) === true
      if (isSeen) Recipients.from([connection]).send({ event: PresenceChanged.create(presence) })
    }
  }

  /** Follows a change of somebody's own stream; `own` are their connections. */
  userChanged(userId: string, type: UserEvent['type'], own: Iterable<Connection>): void {
    if (CHANGES_VISIBILITY.has(type)) this.refresh(userId, own)
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
      .then(async () => await this.#sendCurrent(pairs, new Set(former)))
      .catch(this.#deps.onError)
  }

  /** The subscribers of somebody, and the subscriptions of their own connections. */
  #pairsOf(userId: string, own: Iterable<Connection>): Pair[] {
    const pairs: Pair[] = []
    for (const connection of this.#subscribers.get(userId) ?? []) {
      if (connection.actor !== undefined) pairs.push({ connection, id: userId, other: connection.actor.userId })
    }
    for (const connection of own) {
      for (const id of this.#subscribed.get(connection) ?? []) pairs.push({ connection, id, other: id })
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
      const visible = await this.#deps.presence.visibleTo(userId, others)
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
    if (this.#subscribed.get(connection)?.has(id) === true) add(this.#seeing, id, connection)
  }

  async #sendCurrent(pairs: readonly Pair[], former: ReadonlySet<Pair>): Promise<void> {
    const ids = [...new Set(pairs.map(({ id }) => id))]
    const current = new Map((await this.#deps.presence.current(ids)).map(it => [bareId(it.userId), it]))
    for (const pair of pairs) {
      const isSeen = this.#seeing.get(pair.id)?.has(pair.connection) === true
      const presence = isSeen ? current.get(pair.id) : former.has(pair) ? offline(pair.id) : undefined
      if (presence !== undefined) Recipients.from([pair.connection]).send({ event: PresenceChanged.create(presence) })
    }
  }

  #forgetChanges(): void {
    if (this.#reading === 0) this.#changes.clear()
  }
}

/** A subscription of a connection to somebody; `other` is the one of the two who is not asked about. */
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
