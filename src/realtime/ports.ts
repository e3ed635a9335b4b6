import type { EphemeralEvent } from '../../protocol/index.ts'
import type { Presence, PresenceStatus } from '../../protocol/presence/entities.ts'
import type { Cursors, Heads } from '../../protocol/sync/entities.ts'
import type { Me } from '../../protocol/users/entities.ts'
import type { Actor } from '../actor.ts'
import type { ConversationChange, UserChange } from '../bus/bus.ts'
import type {
  Arrived,
  ConversationHead,
  DeviceClient,
  DeviceCursor,
  HeadsMoved,
  Membership,
  MissedItem,
  ReplayGate,
  ReplayItem,
  ResumeToken,
  Standing
} from '../streams/positions.ts'

/** Ports from connections to the subjects; ids are 24 hexadecimal digits. The composition hands the subjects in. */

export interface SessionPort {
  /** @throws {AppError} `session_revoked`, `account_disabled` */
  requireLiveSession(actor: Pick<Actor, 'userId' | 'sessionId'>): Promise<void>
}

export interface TicketPort {
  /** Uses a ticket up. @throws {AppError} `unauthenticated`, `session_revoked`, `account_disabled` */
  redeem(ticket: string): Promise<Actor>
  /** Opens a stream by a ticket, or continues the one that it has opened. @throws {AppError} as above */
  redeemForStream(ticket: string, proof: string | undefined): Promise<Actor>
  /** Proof that the ids of a stream's events hold, which this ticket has opened. */
  proofOf(ticket: string): string
  /** Lets tickets continue their streams for minutes from now. */
  keep(tickets: readonly string[]): Promise<void>
}

export interface PresencePort {
  set(userId: string, connectionId: string, status: PresenceStatus): void
  remove(userId: string, connectionId: string): Promise<void>
  /** The presence of these people as the actor may see it. */
  get(actor: Pick<Actor, 'userId'>, userIds: readonly string[]): Promise<Presence[]>
  /** The presence of these people, for who is known to be allowed to see it. */
  current(userIds: readonly string[]): Promise<Presence[]>
  /** People whose presence the viewer may see, and who may see the viewer's. */
  visibleTo(viewerId: string, userIds: readonly string[]): Promise<ReadonlySet<string>>
}

export interface ReplayPort {
  /** Conversations of a person, in the order of their ids. */
  memberships(userId: string, limit?: number): Promise<readonly Membership[]>
  heads(
    userId: string,
    conversationIds: readonly string[]
  ): Promise<{ readonly account: number; readonly conversations: ReadonlyMap<string, ConversationHead> }>
  /** The changes after a `rev`, dense; a page of them. */
  conversation(conversationId: string, since: number): Promise<readonly ConversationChange[]>
  account(userId: string, since: number): Promise<readonly UserChange[]>
}

/** Tells of heads that moved, whichever server moved them. */
export interface HeadsPort {
  subscribe(listener: (moved: HeadsMoved) => void): void
  /** Moment of the database's clock up to which everything is known here, but for late commits; ms since 1970. */
  readonly lookedAt: number
}

export interface BlockPort {
  /** People who are blocked either way with somebody. */
  blockedPeers(userId: string): Promise<ReadonlySet<string>>
}

export interface ReceiptPort {
  mark(actor: Actor, conversationId: string, marks: { deliveredSeq: number; isCatchUp: boolean }): Promise<unknown>
}

/** Devices whose apps keep no cursors. */
export interface DevicePort {
  /** Holds the cursor of a client for a connection. @param token from the last event that the client got */
  hold(actor: Actor, client: DeviceClient, token: ResumeToken | undefined): Promise<DeviceCursor>
  /** Everything that a client has missed since its cursor, until every stream is level. */
  missed(actor: Actor, cursor: DeviceCursor, gate: ReplayGate): AsyncIterable<MissedItem>
  /** Notes that everything up to these positions has arrived. */
  move(cursorId: string, arrived: Arrived): Promise<void>
  /** The connection is gone; its client may come back. @param isLost where it was silent, and may have come back before */
  release(cursorId: string, connection: { connectionId: string; isLost: boolean }): Promise<void>
}

/** People whose presence an app shows without asking. */
export interface ScopePort {
  readonly friends: { presenceScope(actor: Pick<Actor, 'userId'>): Promise<readonly string[]> }
  readonly peers: { among(conversationIds: readonly string[], userId: string): Promise<readonly string[]> }
}

/** Profiles as those who are told of a change may see them. */
export interface ProfilePort {
  /** @returns the event for each group of viewers who see the same; without those blocked either way */
  profileUpdates(
    userId: string,
    viewerIds: readonly string[]
  ): Promise<readonly { readonly event: EphemeralEvent; readonly viewerIds: readonly string[] }[]>
}

export interface HelloPort {
  readonly users: { me(actor: Actor): Promise<Me> }
  readonly sync: {
    heads(actor: Actor, cursors: Cursors, known: { standing: Standing | undefined }): Promise<Heads>
  }
}

/** Continues one-way streams. */
export interface ResumePort {
  parse(id: string): ResumeToken | undefined
  encode(token: ResumeToken): string
  now(actor: Actor): Promise<ResumeToken>
  replaySince(actor: Actor, token: ResumeToken): AsyncIterable<ReplayItem>
}
