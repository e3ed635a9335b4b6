import { bareId, prefixedId } from '../../protocol/ids.ts'
import { Noop } from '../../protocol/sync/events.ts'
import type { Bus, ConversationChange, EphemeralMessage, ProfileChange, UserChange } from '../bus/bus.ts'
import type { Timings } from '../config/timings.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { withoutQuote } from '../present/without-quote.ts'
import type { Standing } from '../streams/positions.ts'
import type { Connection } from './connection.ts'
import { Recipients } from './encoding/recipients.ts'
import { type LocalUser, Membership } from './membership.ts'
import type { BlockPort, HeadsPort, PresencePort, ProfilePort, ReplayPort, ScopePort } from './ports.ts'
import { AutomaticSubscriptions, type FindScope } from './presence/automatic-subscriptions.ts'
import { PresenceSubscriptions } from './presence/presence-subscriptions.ts'

const NOOP = Noop.create({})
/** Conversations whose members are told of a changed profile. */
const MAX_TOLD_CONVERSATIONS = 1_000

interface HubDeps extends ScopePort {
  readonly bus: Bus
  readonly replay: ReplayPort
  readonly heads: HeadsPort
  readonly blocks: BlockPort
  readonly users: ProfilePort
  readonly presence: Pick<PresencePort, 'current' | 'visibleTo'>
  readonly timings: Pick<Timings, 'gapPatienceMs'>
  readonly onError: (error: unknown) => void
}

/**
 * The registered connections of this process, by person, by conversation and by session. An event is encoded once,
 * and goes to everyone in `rev` order; what this process did not hear is read from the store.
 */
export class Hub {
  readonly #deps: HubDeps
  readonly #membership: Membership
  readonly #sessions = new Map<string, Set<Connection>>()
  readonly #subscriptions: PresenceSubscriptions
  readonly #automatic: AutomaticSubscriptions

  constructor(deps: HubDeps) {
    const { replay, presence, friends, peers, timings, onError } = deps
    this.#deps = deps
    const isRegistered = (connection: Connection): boolean => this.isRegistered(connection)
    this.#subscriptions = new PresenceSubscriptions({ presence, isRegistered, onError })
    const findScope: FindScope = async (scope, actor) =>
      scope === 'friends'
        ? await friends.presenceScope(actor)
        : await peers.among(this.#membership.conversationsOf(actor.userId), actor.userId)
    this.#automatic = new AutomaticSubscriptions({ findScope, subscriptions: this.#subscriptions, onError })
    this.#membership = new Membership({
      replay,
      patienceMs: timings.gapPatienceMs,
      deliverUser: (user, change) => this.#deliverUser(user, change),
      deliverConversation: change => this.#deliverConversation(change),
      onError
    })
    this.#listen()
  }

  get userCount(): number {
    return this.#membership.userCount
  }

  /** Connections of one person. @param userId 24 hexadecimal digits */
  countOf(userId: string): number {
    return this.#membership.findUser(userId)?.connections.size ?? 0
  }

  isRegistered(connection: Connection): boolean {
    const { actor } = connection
    return actor !== undefined && this.#membership.findUser(actor.userId)?.connections.has(connection) === true
  }

  /**
   * Registers an authenticated connection. From the call on it hears of its person's own stream, and from the answer
   * on of every conversation: heads that are read after it leave no gap.
   * @returns where everything stood, if it is the first connection of its person here
   */
  async register(
    connection: Connection,
    { userId, sessionId }: { userId: string; sessionId?: string }
  ): Promise<Standing | undefined> {
    const isFirst = this.#membership.findUser(userId) === undefined
    const standing = this.#membership.addConnection(userId, connection)
    this.#automatic.expect(connection)
    this.#noteSession(sessionId, connection)
    // Blocks and settings may have changed on another server while this one had nothing to hear of them.
    if (isFirst) this.#subscriptions.refresh(userId, [])
    const known = await standing
    await this.#automatic.subscribe(connection)
    return known
  }

  /** The same person goes on with another token, maybe of another session. */
  renew(connection: Connection, actor: NonNullable<Connection['actor']>): void {
    this.#forgetSession(connection)
    connection.actor = actor
    if (this.isRegistered(connection)) this.#noteSession(actor.sessionId, connection)
  }

  /** Takes a connection out, and with the last one its person. */
  remove(connection: Connection, userId: string): void {
    this.#automatic.forget(connection)
    this.#subscriptions.unsubscribe(connection)
    this.#forgetSession(connection)
    this.#membership.removeConnection(userId, connection)
  }

  /** Sends a connection the presence of these people as it changes, instead of those before. */
  async subscribePresence(connection: Connection, userIds: readonly string[]): Promise<void> {
    this.#automatic.forget(connection)
    await this.#subscriptions.subscribe(connection, userIds)
  }

  #listen(): void {
    const { bus, heads, onError } = this.#deps
    bus.subscribe('conversation', change => this.#membership.receiveConversation(change))
    bus.subscribe('user', change => {
      if (!this.#membership.receiveUser(change)) {
        this.#subscriptions.userChanged(change.userId, change.event.type, [])
      }
    })
    bus.subscribe('ephemeral', message => void this.#deliverEphemeral(message).catch(onError))
    bus.subscribe('presence', presence => {
      this.#subscriptions.send(presence)
      this.#automatic.presenceChanged(presence)
    })
    bus.subscribe('profile', change => void this.#deliverProfile(change).catch(onError))
    bus.subscribe('sessionEnd', ({ sessionId }) => this.#endSession(sessionId))
    bus.subscribe('accountEnd', ({ userId }) => this.#endAccount(userId))
    heads.subscribe(({ conversations, accounts, endedSessionIds, disabledUserIds }) => {
      this.#membership.expectHeads(conversations, accounts)
      for (const id of disabledUserIds) this.#endAccount(id)
      for (const id of endedSessionIds) this.#endSession(id)
    })
  }

  #noteSession(sessionId: string | undefined, connection: Connection): void {
    if (sessionId === undefined) return
    this.#sessions.set(sessionId, (this.#sessions.get(sessionId) ?? new Set()).add(connection))
  }

  #forgetSession(connection: Connection): void {
    const sessionId = connection.actor?.sessionId ?? ''
    const connections = this.#sessions.get(sessionId)
    if (connections?.delete(connection) === true && connections.size === 0) this.#sessions.delete(sessionId)
  }

  #endSession(sessionId: string): void {
    for (const connection of this.#sessions.get(sessionId) ?? []) connection.close('session_revoked')
  }

  #endAccount(userId: string): void {
    for (const connection of this.#membership.findUser(userId)?.connections ?? []) connection.close('account_disabled')
  }

  #deliverConversation(change: ConversationChange): void {
    const { conversationId, rev, seq = Number.POSITIVE_INFINITY } = change
    const stream = prefixedId('conv', conversationId)
    const seen = new Recipients()
    const hidden = new Recipients()
    let lastJoinedSeq = 0
    for (const [user, joinedSeq] of this.#membership.membersOf(conversationId)) {
      const isSeen = seq > joinedSeq
      for (const connection of user.connections) (isSeen ? seen : hidden).add(connection)
      if (isSeen) lastJoinedSeq = Math.max(lastJoinedSeq, joinedSeq)
    }
    const event = eventFor(change, lastJoinedSeq)
    seen.send({ event, stream, rev, ...omitUndefined({ seq: change.seq, pair: change.pair }) })
    hidden.send({ event: NOOP, stream, rev })
  }

  #deliverUser(user: LocalUser, { event, rev }: UserChange): void {
    if (event.type === 'conversation:added') {
      const { id, me, head } = event.data
      this.#membership.join(user, { conversationId: bareId(id), joinedSeq: me.joinedSeq, rev: head.rev })
    }
    if (event.type === 'conversation:removed') this.#membership.leave(user, bareId(event.data.conversationId))
    this.#subscriptions.userChanged(user.id, event.type, user.connections)
    this.#automatic.userChanged(event.type, user.connections)
    Recipients.from(user.connections).send({ event, stream: prefixedId('user', user.id), rev })
  }

  /** Tells the members; not those who are blocked either way with the person whom it is about. */
  async #deliverEphemeral(message: EphemeralMessage): Promise<void> {
    const { conversationId, event, fromUserId, recipients: only, pair, isCatchUp } = message
    if (!this.#membership.hasMembers(conversationId)) return
    const own = this.#membership.findUser(fromUserId)
    const others = only === 'own devices' ? [] : await this.#othersThan(fromUserId, conversationId)
    const told = own === undefined || only === 'others' ? others : [own, ...others]
    const recipients = Recipients.from(told.flatMap(({ connections }) => [...connections]))
    recipients.send({ event, ...omitUndefined({ pair, isCatchUp }) })
  }

  /** The members here but one, and but those who are blocked either way with them. */
  async #othersThan(userId: string, conversationId: string): Promise<LocalUser[]> {
    const blocked = await this.#deps.blocks.blockedPeers(userId)
    const members = [...this.#membership.membersOf(conversationId)].map(([user]) => user)
    return members.filter(({ id }) => id !== userId && !blocked.has(id))
  }

  /** Tells everybody here who shares a conversation with the person, each once, what they may see. */
  async #deliverProfile({ userId }: ProfileChange): Promise<void> {
    const memberships = await this.#deps.replay.memberships(userId, MAX_TOLD_CONVERSATIONS)
    const sharers = new Map<string, LocalUser>()
    for (const { conversationId } of memberships) {
      for (const [user] of this.#membership.membersOf(conversationId)) sharers.set(user.id, user)
    }
    sharers.delete(userId)
    if (sharers.size === 0) return
    for (const { event, viewerIds } of await this.#deps.users.profileUpdates(userId, [...sharers.keys()])) {
      Recipients.from(viewerIds.flatMap(id => [...(sharers.get(id)?.connections ?? [])])).send({ event })
    }
  }
}

/** The event for members who joined up to a `seq`. It is encoded once: a quote that one of them may not read is told to none. */
function eventFor({ event, quotedSeq = Number.POSITIVE_INFINITY }: ConversationChange, lastJoinedSeq: number) {
  return quotedSeq > lastJoinedSeq ? event : withoutQuote(event)
}
