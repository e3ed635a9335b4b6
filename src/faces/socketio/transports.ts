import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Server, Socket } from 'socket.io'
import { type Limits, SLOW_HARD_BYTES, SLOW_HARD_FRAMES } from '../../../protocol/limits.ts'
import type { Timings } from '../../config/timings.ts'
import { AppError } from '../../errors.ts'
import { rateOf, TokenBucket } from '../../limits/token-buckets.ts'
import type { Drain } from '../../realtime/drain.ts'
import type { Strangers } from '../../realtime/strangers.ts'

export type Transport = Socket['conn']

const JOINS_WINDOW_MS = 10_000
/** Packets that may wait for a client that is in no namespace: it has little to be told. */
const MAX_UNUSED_PACKETS = 64

interface Use {
  /** Namespaces that the transport is in now. */
  readonly namespaces: Set<Socket>
  readonly joins: TokenBucket
  /** Time until the client may enter a namespace again, ms. */
  retryAfterMs: number
  /** Ends a transport that is in no namespace for long. */
  timer: NodeJS.Timeout | undefined
  hasNamedNamespace: boolean
}

interface TransportDeps {
  readonly limits: Limits
  readonly timings: Pick<Timings, 'closeTimeoutMs' | 'helloTimeoutMs'>
  readonly strangers: Strangers
  readonly drain: Drain
  readonly addressOf: (request: IncomingMessage) => string
}

/** The open transports of socket.io clients, and the namespaces that each is in: one that is in none is closed. */
export class Transports {
  readonly #deps: TransportDeps
  readonly #uses = new Map<Transport, Use>()

  constructor(engine: Server['engine'], deps: TransportDeps) {
    this.#deps = deps
    engine.on('connection', (transport: Transport) => this.#open(transport))
  }

  /** Transports that are open. */
  get count(): number {
    return this.#uses.size
  }

  /** Ends each when its time has come: once its client has read what waits for it, or after so long, ms. */
  async endAll(withinMs: number, untilItsTime: (sockets: () => Socket[]) => Promise<void>): Promise<void> {
    const ending = [...this.#uses].map(async ([transport, { namespaces }]) => {
      await untilItsTime(() => [...namespaces])
      if (!this.#uses.has(transport)) return
      const closed = once(transport, 'close')
      closeTransport(transport, withinMs)
      await closed
    })
    await Promise.all(ending)
  }

  /** The client has entered a namespace, and is known. */
  enter(socket: Socket): void {
    const use = this.#uses.get(socket.conn)
    use?.namespaces.add(socket)
    clearTimeout(use?.timer)
  }

  leave(socket: Socket): void {
    const use = this.#uses.get(socket.conn)
    if (use?.namespaces.delete(socket) && use.namespaces.size === 0) this.#expectUse(socket.conn, use)
  }

  /** @throws {AppError} `rate_limited` when the client asks to enter namespaces too often; the transport is closed then */
  requireJoin(transport: Transport): void {
    const { retryAfterMs = 0 } = this.#uses.get(transport) ?? {}
    if (retryAfterMs > 0) throw new AppError('rate_limited', 'Too many namespaces', { retryAfterMs })
  }

  /** Record that the client of a transport has named a namespace. */
  nameNamespace(transport: Transport): void {
    const use = this.#uses.get(transport)
    if (use !== undefined) use.hasNamedNamespace = true
  }

  hasNamedNamespace(transport: Transport): boolean {
    return this.#uses.get(transport)?.hasNamedNamespace === true
  }

  #open(transport: Transport): void {
    const { limits, timings, strangers, addressOf, drain } = this.#deps
    // Nobody sends away who was let in as the drain began; once engine.io has ended what it is doing.
    if (drain.hasBegun) setImmediate(() => transport.close(true))
    // Time that a polling client gets to come for its close, during which the process stays up.
    Object.assign(transport.transport, { closeTimeout: timings.closeTimeoutMs })
    const use: Use = {
      namespaces: new Set(),
      joins: new TokenBucket(rateOf(limits.joinsPerTenSeconds, JOINS_WINDOW_MS)),
      retryAfterMs: 0,
      timer: undefined,
      hasNamedNamespace: false
    }
    this.#uses.set(transport, use)
    this.#expectUse(transport, use)
    strangers.enter(transport, addressOf(transport.request), () => transport.close(true))
    transport.on('packet', (packet: Packet) => this.#receive(transport, use, packet))
    // Each probe of an upgrade is answered, too.
    transport.on('upgrading', () => this.#countJoin(transport, use))
    transport.once('close', () => {
      clearTimeout(use.timer)
      this.#uses.delete(transport)
      strangers.leave(transport)
    })
  }

  #receive(transport: Transport, use: Use, packet: Packet): void {
    if (isConnect(packet)) {
      // Whoever goes on though they were refused is answered no more.
      if (use.retryAfterMs > 0) transport.close(true)
      this.#countJoin(transport, use)
    }
    // A ping of version 2 is answered: not for ever to a client that reads nothing.
    const isIdle = use.namespaces.size === 0
    const isDeaf = isIdle && internalsOf(transport).writeBuffer.length > MAX_UNUSED_PACKETS
    if (isDeaf || (packet.type === 'ping' && isBehind(transport))) transport.close(true)
  }

  #countJoin(transport: Transport, use: Use): void {
    use.retryAfterMs = use.joins.take()
    if (use.retryAfterMs === 0) return
    // Once the refusal is on its way, and engine.io has ended what it is doing.
    setImmediate(() => closeTransport(transport, this.#deps.timings.closeTimeoutMs))
  }

  #expectUse(transport: Transport, use: Use): void {
    use.timer = setTimeout(() => transport.close(true), this.#deps.timings.helloTimeoutMs).unref()
  }
}

interface Packet {
  readonly type: string
  readonly data?: unknown
}

/** Whether a packet asks to enter a namespace, known or not. */
function isConnect({ type, data }: Packet): boolean {
  return type === 'message' && typeof data === 'string' && data.startsWith('0')
}

/** Ends a transport when the client has read what waits for it, or after so long, ms. */
export function closeTransport(transport: Transport, withinMs: number): void {
  transport.close()
  setTimeout(() => transport.close(true), withinMs).unref()
}

/** Whether a client leaves more unread than it may. */
export function isBehind(transport: Transport): boolean {
  const { writeBuffer, transport: inner } = internalsOf(transport)
  if (writeBuffer.length > SLOW_HARD_FRAMES) return true
  let bytes = inner.socket?.bufferedAmount ?? 0
  for (const { data } of writeBuffer) bytes += data?.length ?? 0
  return bytes > SLOW_HARD_BYTES
}

/** Internals of engine.io (6.6): packets that wait, and the WebSocket underneath. */
interface Internals {
  readonly writeBuffer: readonly { readonly data?: { readonly length: number } }[]
  readonly transport: NodeJS.EventEmitter & {
    readonly name: 'polling' | 'websocket'
    /** Whether a poll waits for an answer. */
    readonly writable: boolean
    readonly socket?: NodeJS.EventEmitter & { readonly bufferedAmount: number; ping(mark: string): void }
  }
}

export function internalsOf(transport: Transport): Internals {
  return transport as unknown as Internals
}
