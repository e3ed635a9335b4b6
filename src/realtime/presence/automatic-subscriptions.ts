import { bareId } from '../../../protocol/ids.ts'
import type { UserEvent } from '../../../protocol/index.ts'
import type { Presence } from '../../../protocol/presence/entities.ts'
import type { Actor } from '../../actor.ts'
import type { Connection, PresenceScope } from '../connection.ts'
import type { PresenceSubscriptions } from './presence-subscriptions.ts'

/** Events of a person's own stream after which others may be in a scope. */
const CHANGES: Readonly<Record<PresenceScope, ReadonlySet<UserEvent['type']>>> = {
  peers: new Set(['conversation:added']),
  friends: new Set(['contacts:updated', 'request:updated'])
}

/** Finds the people of a scope, 24 hexadecimal digits each. */
export type FindScope = (scope: PresenceScope, actor: Pick<Actor, 'userId'>) => Promise<readonly string[]>

interface AutomaticDeps {
  readonly findScope: FindScope
  readonly subscriptions: Pick<PresenceSubscriptions, 'subscribe' | 'sendTo'>
  readonly onError: (error: unknown) => void
}

/** Subscribes connections to everybody in the presence scope of their encoder, as the scope is at any time. */
export class AutomaticSubscriptions {
  readonly #deps: AutomaticDeps
  /** Number of look-ups of each connection's scope; the last one counts. */
  readonly #turns = new Map<Connection, number>()
  /** Presence that changed while a new connection's scope was being looked up, by connection and person. */
  readonly #changes = new Map<Connection, Map<string, Presence>>()

  constructor(deps: AutomaticDeps) {
    this.#deps = deps
  }

  /** A connection registers: a change of presence from now on is sent to it, if only when its scope is known. */
  expect(connection: Connection): void {
    if (connection.encoder.presenceScope === undefined) return
    this.#turns.set(connection, 0)
    this.#changes.set(connection, new Map())
  }

  /** Notes that somebody came or went. */
  presenceChanged(presence: Presence): void {
    for (const changes of this.#changes.values()) changes.set(bareId(presence.userId), presence)
  }

  /** Subscribes a connection that is expected to its scope, unless it leaves meanwhile. */
  async subscribe(connection: Connection): Promise<void> {
    await this.#subscribe(connection, this.#deps.findScope)
  }

  async #subscribe(connection: Connection, findScope: FindScope): Promise<void> {
    const { actor, encoder } = connection
    const before = this.#turns.get(connection)
    if (encoder.presenceScope === undefined || actor === undefined || before === undefined) return
    const { subscriptions } = this.#deps
    const turn = before + 1
    this.#turns.set(connection, turn)
    const ids = await findScope(encoder.presenceScope, actor)
    if (this.#turns.get(connection) === turn) await subscriptions.subscribe(connection, ids)
    subscriptions.sendTo(connection, this.#changes.get(connection)?.values() ?? [])
    this.#changes.delete(connection)
  }

  /** The connection has left, or says itself whom it subscribes to. */
  forget(connection: Connection): void {
    this.#turns.delete(connection)
    this.#changes.delete(connection)
  }

  /** Follows a change of somebody's own stream; `own` are their connections, whose scopes are looked up once each. */
  userChanged(type: UserEvent['type'], own: Iterable<Connection>): void {
    const found = new Map<PresenceScope, ReturnType<FindScope>>()
    const findScope: FindScope = async (scope, actor) => {
      const finding = found.get(scope) ?? this.#deps.findScope(scope, actor)
      found.set(scope, finding)
      return await finding
    }
    for (const connection of own) {
      const { presenceScope } = connection.encoder
      const concerns = presenceScope !== undefined && CHANGES[presenceScope].has(type) && this.#turns.has(connection)
      if (concerns) this.#subscribe(connection, findScope).catch(this.#deps.onError)
    }
  }
}
