import { bareId, prefixedId } from '../../protocol/ids.ts'
import type { AccountChange, Bus, ConversationChange, Moved, ProfileChange, Whisper } from '../bus/bus.ts'
import type { Timings } from '../config.ts'
import type { Services } from '../services/index.ts'
import { Audience } from './audience.ts'
import type { Connection } from './connection.ts'
import { Followers } from './followers.ts'
import { OrderedStream, type StreamParts } from './ordered-stream.ts'
import { Watchers } from './watchers.ts'

/** Somebody with connections here. */
interface LocalUser {
  readonly id: string
  readonly connections: Set<Connection>
  /** The conversations they are in. */
  readonly topics: Set<Topic>
  readonly account: OrderedStream<string, AccountChange>
  /** What became of memberships while they were being read; it is newer than what is read. */
  news: Map<string, number | 'left'> | undefined
  ready: Promise<void>
}

/** A conversation that somebody here is in. */
interface Topic {
  readonly id: string
  /** Its members with connections here, each with the `seq` after which they see messages. */
  readonly users: Map<LocalUser, number>
  readonly stream: OrderedStream<string, ConversationChange>
}

interface HubParts {
  bus: Bus
  replay: Services['replay']
  presence: Services['presence']
  peers: Pick<Services['peers'], 'of'>
  friends: Pick<Services['friends'], 'circleIds'>
  timings: Pick<Timings, 'gapPatienceMs'>
  onError: (error: unknown) => void
}

/**
 * The connections of this process, by person and by conversation. An event is encoded once, and goes to everyone
 * in `rev` order; what this process did not hear is read from the store.
 */
export class Hub {
  readonly #replay: Services['replay']
  readonly #accounts: StreamParts<string, AccountChange>
  readonly #conversations: StreamParts<string, ConversationChange>
  readonly #users = new Map<string, LocalUser>()
  readonly #topics = new Map<string, Topic>()
  /** Who wants to know who comes and goes. */
  readonly #watchers: Watchers
  readonly #followers: Followers

  constructor({ bus, replay, presence, peers, friends, timings, onError }: HubParts) {
    const { gapPatienceMs: patienceMs } = timings
    this.#replay = replay
    this.#watchers = new Watchers({ presence, onError })
    this.#followers = new Followers({ peers, friends, watchers: this.#watchers, onError })
    this.#accounts = {
      deliver: (id, change) => this.#deliverAccount(this.#users.get(id), change),
      replay: async (id, since) => await replay.account(id, since),
      patienceMs,
      onError
    }
    this.#conversations = {
      deliver: (id, change) => this.#deliverConversation(this.#topics.get(id), change),
      replay: async (id, since) => await replay.conversation(id, since),
      patienceMs,
      onError
    }
    bus.on('conversation', change => this.#topics.get(change.conversationId)?.stream.receive(change))
    bus.on('account', change => {
      const user = this.#users.get(change.userId)
      if (user !== undefined) user.account.receive(change)
      else this.#watchers.accountChanged(change.userId, change.type, [])
    })
    bus.on('whisper', whisper => this.#whisper(whisper))
    bus.on('presence', presence => {
      this.#watchers.tell(presence)
      this.#followers.presenceChanged(presence)
    })
    bus.on('profile', change => this.#tellProfile(change))
    bus.on('moved', moved => this.#compare(moved))
    bus.on('sessionEnd', ({ sessionId }) => {
      for (const connection of this.connections()) {
        if (connection.actor?.sessionId === sessionId) connection.close('session_revoked')
      }
    })
  }

  get userCount(): number {
    return this.#users.size
  }

  /** Every authenticated connection. */
  *connections(): Iterable<Connection> {
    for (const user of this.#users.values()) yield* user.connections
  }

  countOf(userId: string): number {
    return this.#users.get(userId)?.connections.size ?? 0
  }

  /**
   * Enters an authenticated connection. From the call on it hears of its person's account, and from the answer on
   * of every conversation: heads that are read after it leave no gap.
   */
  async enter(connection: Connection, userId: string): Promise<void> {
    const user = this.#users.get(userId) ?? this.#addUser(userId)
    user.connections.add(connection)
    this.#followers.expect(connection)
    await user.ready
  }

  /** Takes a connection out, and with the last one its person. */
  leave(connection: Connection, userId: string): void {
    this.#followers.forget(connection)
    this.#watchers.forget(connection)
    const user = this.#users.get(userId)
    if (user?.connections.delete(connection) !== true || user.connections.size > 0) return
    this.#users.delete(userId)
    user.account.stop()
    for (const topic of user.topics) this.#leaveTopic(user, topic)
  }

  /** Sends a connection the presence of these people as it changes, instead of those before. */
  async watch(connection: Connection, userIds: readonly string[]): Promise<void> {
    this.#followers.forget(connection)
    await this.#watchers.watch(connection, userIds)
  }

  /** Sends a connection the presence of those whom its words are about without asking, and of who joins them later. */
  async follow(connection: Connection): Promise<void> {
    await this.#followers.follow(connection)
  }

  #addUser(id: string): LocalUser {
    const user: LocalUser = {
      id,
      connections: new Set(),
      topics: new Set(),
      account: new OrderedStream(id, this.#accounts),
      news: new Map(),
      ready: Promise.resolve()
    }
    user.ready = this.#readMemberships(user).catch(error => {
      this.#users.delete(id)
      throw error
    })
    this.#users.set(id, user)
    // Blocks and settings may have changed on another node while this one had nothing to hear of them.
    this.#watchers.refresh(id, [])
    return user
  }

  async #readMemberships(user: LocalUser): Promise<void> {
    const memberships = await this.#replay.memberships(user.id)
    for (const { conversationId, joinedSeq } of memberships) {
      if (user.news?.has(conversationId) !== true) this.#joinTopic(user, conversationId, joinedSeq)
    }
    user.news = undefined
    const unknown = [...user.topics].filter(topic => topic.stream.rev === undefined).map(topic => topic.id)
    const heads = await this.#replay.heads(user.id, unknown)
    user.account.start(heads.account)
    for (const [id, rev] of heads.conversations) this.#topics.get(id)?.stream.start(rev)
  }

  #joinTopic(user: LocalUser, conversationId: string, joinedSeq: number): void {
    const topic = this.#topics.get(conversationId) ?? this.#addTopic(conversationId)
    topic.users.set(user, joinedSeq)
    user.topics.add(topic)
    user.news?.set(conversationId, joinedSeq)
  }

  #addTopic(id: string): Topic {
    const topic: Topic = {
      id,
      users: new Map(),
      stream: new OrderedStream(id, this.#conversations)
    }
    this.#topics.set(id, topic)
    return topic
  }

  #leaveTopic(user: LocalUser, topic: Topic | undefined): void {
    if (topic === undefined) return
    user.topics.delete(topic)
    user.news?.set(topic.id, 'left')
    if (!topic.users.delete(user) || topic.users.size > 0) return
    topic.stream.stop()
    this.#topics.delete(topic.id)
  }

  #deliverConversation(topic: Topic | undefined, change: ConversationChange): void {
    if (topic === undefined) return
    this.#changeMembers(topic, change)
    const { type, rev, seq, data, pair } = change
    const stream = prefixedId('conv', topic.id)
    const seen = new Audience()
    const hidden = new Audience()
    for (const [user, joinedSeq] of topic.users) {
      const audience = seq !== undefined && seq <= joinedSeq ? hidden : seen
      for (const connection of user.connections) audience.add(connection)
    }
    seen.tell({ type, data, stream, rev, ...(seq && { seq }), ...(pair && { pair }) })
    hidden.tell({ type: 'noop', data: {}, stream, rev })
  }

  #changeMembers(topic: Topic, { joined, left }: ConversationChange): void {
    for (const id of left ?? []) {
      const user = this.#users.get(id)
      if (user !== undefined) this.#leaveTopic(user, topic)
    }
    for (const [id, joinedSeq] of joined ?? []) {
      const user = this.#users.get(id)
      if (user !== undefined) this.#joinTopic(user, topic.id, joinedSeq)
    }
  }

  #deliverAccount(user: LocalUser | undefined, { type, rev, data }: AccountChange): void {
    if (user === undefined) return
    if (type === 'conversation:added') {
      const { id, me, head } = data as { id: string; me: { joinedSeq: number }; head: { rev: number } }
      this.#joinTopic(user, bareId(id), me.joinedSeq)
      this.#topics.get(bareId(id))?.stream.start(head.rev)
    }
    if (type === 'conversation:removed') {
      const id = bareId((data as { conversationId: string }).conversationId)
      user.news?.set(id, 'left')
      this.#leaveTopic(user, this.#topics.get(id))
    }
    this.#watchers.accountChanged(user.id, type, user.connections)
    this.#followers.accountChanged(type, user.connections)
    const audience = new Audience()
    for (const connection of user.connections) audience.add(connection)
    audience.tell({ type, data, stream: prefixedId('user', user.id), rev })
  }

  #whisper({ conversationId, type, data, exceptUserId, exceptUserIds, pair, isCatchUp }: Whisper): void {
    const topic = this.#topics.get(conversationId)
    if (topic === undefined) return
    const audience = new Audience()
    for (const user of topic.users.keys()) {
      if (user.id === exceptUserId || exceptUserIds?.has(user.id) === true) continue
      for (const connection of user.connections) audience.add(connection)
    }
    audience.tell({ type, data, ...(pair && { pair }), ...(isCatchUp && { isCatchUp }) })
  }

  #tellProfile({ conversationIds, exceptUserIds, data }: ProfileChange): void {
    const audience = new Audience()
    const told = new Set(exceptUserIds)
    for (const id of conversationIds) {
      for (const user of this.#topics.get(id)?.users.keys() ?? []) {
        if (told.has(user.id)) continue
        told.add(user.id)
        for (const connection of user.connections) audience.add(connection)
      }
    }
    audience.tell({ type: 'profile:updated', data })
  }

  #compare({ conversations, accounts }: Moved): void {
    for (const { id, rev } of conversations) this.#topics.get(id)?.stream.expect(rev)
    for (const { id, rev } of accounts) this.#users.get(id)?.account.expect(rev)
  }
}
