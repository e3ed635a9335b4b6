import type { ConversationChange, UserChange } from '../bus/bus.ts'
import type { Standing } from '../streams/positions.ts'
import type { Connection } from './connection.ts'
import { OrderedStream, type StreamDeps } from './ordered-stream.ts'
import type { ReplayPort } from './ports.ts'

/** Person with connections here. */
export interface LocalUser {
  readonly id: string
  readonly connections: Set<Connection>
  readonly subscriptions: Set<ConversationSubscription>
  readonly stream: OrderedStream<string, UserChange>
  /** Changes of memberships while they are being read; they are newer than what is read. */
  membershipChanges: Map<string, number | 'left'> | undefined
  /** Resolves when their conversations are known. */
  ready: Promise<unknown>
}

/** A conversation that somebody here is in. */
interface ConversationSubscription {
  readonly id: string
  /** Members with connections here, each with the `seq` after which they see messages. */
  readonly users: Map<LocalUser, number>
  readonly stream: OrderedStream<string, ConversationChange>
}

interface Head {
  readonly id: string
  readonly rev: number
}

interface MembershipDeps {
  readonly replay: ReplayPort
  /** Time that a gap in a stream gets to close by itself, ms. */
  readonly patienceMs: number
  /** Called for each change of a person's own stream, in `rev` order. */
  readonly deliverUser: (user: LocalUser, change: UserChange) => void
  /** Called for each change of a conversation, in `rev` order, once it is known who is a member. */
  readonly deliverConversation: (change: ConversationChange) => void
  readonly onError: (error: unknown) => void
}

/** Conversations of the people with connections here, and the ordered streams of both. */
export class Membership {
  readonly #deps: MembershipDeps
  readonly #userStreams: StreamDeps<string, UserChange>
  readonly #conversationStreams: StreamDeps<string, ConversationChange>
  readonly #users = new Map<string, LocalUser>()
  readonly #subscriptions = new Map<string, ConversationSubscription>()

  constructor(deps: MembershipDeps) {
    const { replay, patienceMs, deliverUser, onError } = deps
    this.#deps = deps
    this.#userStreams = {
      deliver: (id, change) => {
        const user = this.#users.get(id)
        if (user !== undefined) deliverUser(user, change)
      },
      replay: async (id, since) => await replay.account(id, since),
      patienceMs,
      onError
    }
    this.#conversationStreams = {
      deliver: (id, change) => this.#deliver(this.#subscriptions.get(id), change),
      replay: async (id, since) => await replay.conversation(id, since),
      patienceMs,
      onError
    }
  }

  get userCount(): number {
    return this.#users.size
  }

  findUser(id: string): LocalUser | undefined {
    return this.#users.get(id)
  }

  hasMembers(conversationId: string): boolean {
    return this.#subscriptions.has(conversationId)
  }

  /** The members with connections here, each with the `seq` after which they see messages. */
  membersOf(conversationId: string): Iterable<readonly [LocalUser, number]> {
    return this.#subscriptions.get(conversationId)?.users ?? []
  }

  /** The conversations of a person with connections here. */
  conversationsOf(userId: string): string[] {
    return [...(this.#users.get(userId)?.subscriptions ?? [])].map(({ id }) => id)
  }

  /**
   * Adds a connection of a person. Resolves when their conversations are known.
   * @returns where everything stood, if it is their first connection here
   */
  async addConnection(userId: string, connection: Connection): Promise<Standing | undefined> {
    const known = this.#users.get(userId)
    if (known !== undefined) {
      known.connections.add(connection)
      await known.ready
      return undefined
    }
    const user = this.#addUser(userId)
    user.connections.add(connection)
    const standing = this.#readStanding(user)
    user.ready = standing.then(() => undefined)
    // It is awaited by those who come meanwhile, if anybody does.
    user.ready.catch(() => undefined)
    try {
      return await standing
    } catch (error) {
      this.#removeUser(user)
      throw error
    }
  }

  removeConnection(userId: string, connection: Connection): void {
    const user = this.#users.get(userId)
    if (user?.connections.delete(connection) === true && user.connections.size === 0) this.#removeUser(user)
  }

  receiveConversation(change: ConversationChange): void {
    this.#subscriptions.get(change.conversationId)?.stream.receive(change)
  }

  /** @returns whether the person has connections here */
  receiveUser(change: UserChange): boolean {
    const user = this.#users.get(change.userId)
    user?.stream.receive(change)
    return user !== undefined
  }

  /** Says where streams stand in the store: what does not come by itself is read. */
  expectHeads(conversations: readonly Head[], users: readonly Head[]): void {
    for (const { id, rev } of conversations) this.#subscriptions.get(id)?.stream.expect(rev)
    for (const { id, rev } of users) this.#users.get(id)?.stream.expect(rev)
  }

  /** A person is in a conversation from now on. @param rev where its stream stands */
  join(
    user: LocalUser,
    { conversationId, joinedSeq, rev }: { conversationId: string; joinedSeq: number; rev: number }
  ) {
    this.#join(user, conversationId, joinedSeq).stream.start(rev)
  }

  /** A person is no longer in a conversation. */
  leave(user: LocalUser, conversationId: string): void {
    user.membershipChanges?.set(conversationId, 'left')
    const subscription = this.#subscriptions.get(conversationId)
    if (subscription === undefined) return
    user.subscriptions.delete(subscription)
    if (!subscription.users.delete(user) || subscription.users.size > 0) return
    subscription.stream.stop()
    this.#subscriptions.delete(conversationId)
  }

  #addUser(id: string): LocalUser {
    const user: LocalUser = {
      id,
      connections: new Set(),
      subscriptions: new Set(),
      stream: new OrderedStream(id, this.#userStreams),
      membershipChanges: new Map(),
      ready: Promise.resolve()
    }
    this.#users.set(id, user)
    return user
  }

  #removeUser(user: LocalUser): void {
    if (this.#users.get(user.id) === user) this.#users.delete(user.id)
    user.stream.stop()
    for (const { id } of user.subscriptions) this.leave(user, id)
  }

  async #readStanding(user: LocalUser): Promise<Standing | undefined> {
    const { replay } = this.#deps
    const memberships = await replay.memberships(user.id)
    // The last connection may have gone meanwhile.
    if (this.#users.get(user.id) !== user) return undefined
    const changes = user.membershipChanges ?? new Map()
    user.membershipChanges = undefined
    for (const { conversationId, joinedSeq } of memberships) {
      if (!changes.has(conversationId)) this.#join(user, conversationId, joinedSeq)
    }
    const unknown = [...user.subscriptions].filter(({ stream }) => stream.rev === undefined).map(({ id }) => id)
    const { account, conversations: heads } = await replay.heads(user.id, unknown)
    user.stream.start(account)
    for (const [id, { rev }] of heads) this.#subscriptions.get(id)?.stream.start(rev)
    return { account, memberships: memberships.filter(it => changes.get(it.conversationId) !== 'left'), heads }
  }

  #join(user: LocalUser, conversationId: string, joinedSeq: number): ConversationSubscription {
    const subscription = this.#subscriptions.get(conversationId) ?? this.#addSubscription(conversationId)
    subscription.users.set(user, joinedSeq)
    user.subscriptions.add(subscription)
    user.membershipChanges?.set(conversationId, joinedSeq)
    return subscription
  }

  #addSubscription(id: string): ConversationSubscription {
    const stream = new OrderedStream(id, this.#conversationStreams)
    const subscription: ConversationSubscription = { id, users: new Map(), stream }
    this.#subscriptions.set(id, subscription)
    return subscription
  }

  /** Memberships change first: being added precedes every event, and being removed is the last one. */
  #deliver(subscription: ConversationSubscription | undefined, change: ConversationChange): void {
    if (subscription === undefined) return
    for (const id of change.left ?? []) {
      const user = this.#users.get(id)
      if (user !== undefined) this.leave(user, subscription.id)
    }
    for (const { userId, joinedSeq } of change.joined ?? []) {
      const user = this.#users.get(userId)
      if (user !== undefined) this.#join(user, subscription.id, joinedSeq)
    }
    this.#deps.deliverConversation(change)
  }
}
