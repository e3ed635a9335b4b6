import type { BenchUser } from '../users.ts'
import type { LightSocket } from './light-socket.ts'

/** The server under load, as the load process needs to know it. */
export interface Target {
  readonly kind: 'parley' | 'taatom' | 'bare' | 'packets'
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** With the name of the database. */
  readonly mongoUri: string
  readonly serverPid: number
  readonly mongodPid: number
  /** A second server on the same database; people connect to the two in turn. */
  readonly second?: { readonly url: string; readonly serverPid: number }
}

/** A conversation that the load has set up. */
export interface BenchConversation {
  readonly id: string
  readonly members: readonly BenchUser[]
}

/** Meaning of a frame to the load. */
export type FrameKind = 'ack' | 'message' | 'refusal' | 'other'

/** Protocol of the load: frames to a server, and marks to look for in the answers. Each message carries its number. */
export interface Wire {
  /** Opens a connection and authenticates it. */
  connect(user: BenchUser): Promise<LightSocket>
  /** Makes one conversation of each group of people, all of whom have been connected before. */
  createConversations(groups: readonly (readonly BenchUser[])[]): Promise<BenchConversation[]>
  /** The frame by which `sender` sends message `n`. */
  sendFrame(conversation: BenchConversation, sender: BenchUser, n: number): string
  kindOf(bytes: Buffer, start: number, end: number): FrameKind
  /** The number of the message that a frame of this kind (not `other`) is about. */
  numberOf(kind: FrameKind, bytes: Buffer, start: number, end: number): number
  /** Lets go of what it holds beside the connections. */
  close(): Promise<void>
}
