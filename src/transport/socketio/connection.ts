import { once } from 'node:events'
import type { Socket } from 'socket.io'
import { CLOSE, type CloseReason } from '../../../protocol/close.ts'
import type { Actor } from '../../services/index.ts'
import type { Arrivals } from '../arrivals.ts'
import type { Connection, OutboundEvent, Voice } from '../connection.ts'
import type { Spoken } from '../vocabulary.ts'

/** What may wait for a connection that is still catching up. */
const MAX_PENDING = 1_000
/** Packets that may wait to be read by the client. */
const SLOW_PACKETS = 1_024
const SLOW_BYTES = 1_048_576

interface Parts {
  readonly voice: Voice
  readonly actor: Actor
  readonly arrivals: (connection: SocketIoConnection) => Arrivals
}

/** One socket of a socket.io client, in one namespace. */
export class SocketIoConnection implements Connection {
  readonly voice: Voice
  readonly socket: Socket
  actor: Actor
  readonly #arrivals: Arrivals
  /** Events that came while the client was catching up; undefined once it is live. */
  #pending: { spoken: Spoken; outbound: OutboundEvent }[] | undefined = []

  constructor(socket: Socket, { voice, actor, arrivals }: Parts) {
    this.socket = socket
    this.voice = voice
    this.actor = actor
    this.#arrivals = arrivals(this)
  }

  get id(): string {
    return this.socket.id
  }

  get isOpen(): boolean {
    return this.socket.conn.readyState === 'open'
  }

  /** Whether events may be sent at once; else they are kept here. */
  get isLive(): boolean {
    return this.#pending === undefined
  }

  /** Whether the client leaves more unread than it may. */
  get isSlow(): boolean {
    const { writeBuffer, transport } = this.socket.conn as unknown as Internals
    return writeBuffer.length > SLOW_PACKETS || (transport.socket?.bufferedAmount ?? 0) > SLOW_BYTES
  }

  /** Keeps an event until the client is live. */
  keep(spoken: Spoken, outbound: OutboundEvent): void {
    this.#pending?.push({ spoken, outbound })
    if ((this.#pending?.length ?? 0) > MAX_PENDING) this.close('resync')
  }

  /** The client knows where it stands: what waited goes out, except what it has caught up with. */
  goLive(caughtUp: ReadonlyMap<string, number>): void {
    const pending = this.#pending ?? []
    this.#pending = undefined
    for (const { spoken, outbound } of pending) {
      const { type, data } = outbound.event
      const isKnown = type === 'message:new' && data.seq <= (caughtUp.get(data.conversationId) ?? 0)
      if (!isKnown) this.emit(spoken, outbound)
    }
  }

  /** Sends an event to this client alone. */
  emit({ name, data }: Spoken, outbound: OutboundEvent): void {
    this.socket.emit(name, data)
    this.noteSent(outbound)
  }

  /** What was sent to this client together with others. */
  noteSent(outbound: OutboundEvent): void {
    this.#arrivals.note(this.actor, outbound)
  }

  /** Resolves with true when everything sent so far has reached the client, with false when it is gone before. */
  async confirm(): Promise<boolean> {
    const { conn } = this.socket
    const gone = new AbortController()
    const leave = (): void => gone.abort()
    conn.once('close', leave)
    try {
      if (!this.isOpen) return false
      const { signal } = gone
      const internals = conn as unknown as Internals
      while (internals.writeBuffer.length > 0) await once(conn, 'drain', { signal })
      if (internals.transport.name === 'polling') {
        // The next poll begins when the answer of the last one has been read; often it has by now.
        if (!internals.transport.writable)
          await Promise.race([once(internals.transport, 'ready', { signal }), once(conn, 'upgrade', { signal })])
      } else if (internals.transport.socket !== undefined) {
        internals.transport.socket.ping()
        await once(internals.transport.socket, 'pong', { signal })
      }
      return true
    } catch {
      return false
    } finally {
      conn.off('close', leave)
    }
  }

  /** Terminal reasons end the socket, and its client does not come back by itself; others end the transport, and it does. */
  close(reason: CloseReason): void {
    const isTerminal = CLOSE[reason] < 4200
    if (isTerminal) this.socket.emit('error', { code: reason, message: 'The connection was ended' })
    if (isTerminal) this.socket.disconnect(true)
    else this.socket.conn.close()
  }

  /** It is gone. */
  stop(): void {
    this.#arrivals.stop()
    this.#pending = undefined
  }
}

/** What engine.io keeps to itself (6.6): packets that wait, and the WebSocket underneath. */
interface Internals {
  readonly writeBuffer: readonly unknown[]
  readonly transport: NodeJS.EventEmitter & {
    readonly name: 'polling' | 'websocket'
    /** By polling: whether a poll waits for an answer. */
    readonly writable: boolean
    readonly socket?: NodeJS.EventEmitter & { readonly bufferedAmount: number; ping(): void }
  }
}
