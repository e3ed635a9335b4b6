import type { Services } from '../services/index.ts'
import type { Circle, Connection } from './connection.ts'
import type { Watchers } from './watchers.ts'

/** What of an account may change who is in a circle of its person. */
const CHANGES: Readonly<Record<Circle, ReadonlySet<string>>> = {
  peers: new Set(['conversation:added']),
  friends: new Set(['contacts:updated', 'request:updated'])
}

interface FollowerParts {
  readonly peers: Pick<Services['peers'], 'of'>
  readonly friends: Pick<Services['friends'], 'circleIds'>
  readonly watchers: Pick<Watchers, 'watch'>
  readonly onError: (error: unknown) => void
}

/** Connections that hear of the presence of everybody in a circle of their person, as it is at any time. */
export class Followers {
  readonly #parts: FollowerParts
  /** How often the circle of each was looked up; what was asked last counts. */
  readonly #turns = new Map<Connection, number>()

  constructor(parts: FollowerParts) {
    this.#parts = parts
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
  }

  /** It is gone, or says itself whom it wants to know of. */
  forget(connection: Connection): void {
    this.#turns.delete(connection)
  }

  /** Something of somebody’s account changed; `own` are their connections. */
  accountChanged(type: string, own: Iterable<Connection>): void {
    for (const connection of own) {
      const { watches } = connection.voice
      const concerns = watches !== undefined && CHANGES[watches].has(type) && this.#turns.has(connection)
      if (concerns) this.follow(connection).catch(this.#parts.onError)
    }
  }
}
