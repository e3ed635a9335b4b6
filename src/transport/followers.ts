import type { Presence } from '../../protocol/entities/user.ts'
import { bareId } from '../../protocol/ids.ts'
import type { UserEvent } from '../../protocol/index.ts'
import type { Services } from '../services/index.ts'
import type { Circle, Connection } from './connection.ts'
import type { Watchers } from './watchers.ts'

/** What of an account may change who is in a circle of its person. */
const CHANGES: Readonly<Record<Circle, ReadonlySet<UserEvent['type']>>> = {
  peers: new Set(['conversation:added']),
  friends: new Set(['contacts:updated', 'request:updated'])
}

interface FollowerParts {
  readonly peers: Pick<Services['peers'], 'of'>
  readonly friends: Pick<Services['friends'], 'circleIds'>
  readonly watchers: Pick<Watchers, 'watch' | 'tellTo'>
  readonly onError: (error: unknown) => void
}

/** Connections that hear of the presence of everybody in a circle of their person, as it is at any time. */
export class Followers {
  readonly #parts: FollowerParts
  /** How often the circle of each was looked up; what was asked last counts. */
  readonly #turns = new Map<Connection, number>()
  /** Who came and went while a new connection’s circle was being looked up, by connection and person. */
  readonly #news = new Map<Connection, Map<string, Presence>>()

  constructor(parts: FollowerParts) {
    this.#parts = parts
  }

  /** A connection was opened: of who comes or goes from now on it is told, if only when its circle is known. */
  expect(connection: Connection): void {
    if (connection.voice.watches !== undefined) this.#news.set(connection, new Map())
  }

  /** Somebody came or went. */
  presenceChanged(presence: Presence): void {
    for (const news of this.#news.values()) news.set(bareId(presence.userId), presence)
  }

  /** From the answer on the connection hears of its circle, if its words are about one. */
  async follow(connection: Connection): Promise<void> {
    const { actor, voice } = connection
    if (voice.watches === undefined || actor === undefined) return
    const { peers, friends, watchers } = this.#parts
    const turn = (this.#turns.get(connection) ?? 0) + 1
    this.#turns.set(connection, turn)
    const ids = await (voice.watches === 'peers' ? peers.of(actor) : friends.circleIds(actor))
    if (this.#turns.get(connection) === turn) await watchers.watch(connection, ids)
    watchers.tellTo(connection, this.#news.get(connection)?.values() ?? [])
    this.#news.delete(connection)
  }

  /** It is gone, or says itself whom it wants to know of. */
  forget(connection: Connection): void {
    this.#turns.delete(connection)
    this.#news.delete(connection)
  }

  /** Something of somebody’s account changed; `own` are their connections. */
  accountChanged(type: UserEvent['type'], own: Iterable<Connection>): void {
    for (const connection of own) {
      const { watches } = connection.voice
      const concerns = watches !== undefined && CHANGES[watches].has(type) && this.#turns.has(connection)
      if (concerns) this.follow(connection).catch(this.#parts.onError)
    }
  }
}
