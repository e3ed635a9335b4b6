import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import '@fastify/websocket'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { AuthExpiring, Drain as DrainEvent } from '../../../protocol/connection/events.ts'
import { encodeEphemeral, SUBPROTOCOL } from '../../../protocol/envelope.ts'
import type { Config } from '../../config/config.ts'
import type { Availability } from '../../database/availability.ts'
import { AppError, goingAway, presentError } from '../../errors.ts'
import type { Budgets } from '../../limits/budgets.ts'
import type { Dispatcher } from '../../realtime/commands/dispatcher.ts'
import type { ConnectionCounts } from '../../realtime/connection.ts'
import { readCredential } from '../../realtime/credential.ts'
import type { TrackDelivery } from '../../realtime/delivery/delivery-tracker.ts'
import type { MissedEvents } from '../../realtime/delivery/missed.ts'
import type { Drain } from '../../realtime/drain.ts'
import type { RealtimeDialect } from '../../realtime/encoding/dialect-encoder.ts'
import type { Handshake } from '../../realtime/handshake.ts'
import type { Lifecycle } from '../../realtime/lifecycle.ts'
import type { Origins } from '../../realtime/origins.ts'
import type { Strangers } from '../../realtime/strangers.ts'
import type { Proxies } from '../http/proxies.ts'
import { SocketConnection, sendText } from './connection.ts'
import { FrameLoop } from './frame-loop.ts'
import { chooseSubprotocol, createSubprotocols, type Subprotocol } from './subprotocol.ts'

/** Connections are looked after in turns, so many for each sweep of all; their tokens each time. */
const SWEEP_SLOTS = 5

interface SocketDeps {
  readonly lifecycle: Lifecycle
  readonly strangers: Strangers
  readonly proxies: Pick<Proxies, 'addressOf'>
  readonly origins: Origins
  readonly handshake: Handshake
  readonly drain: Drain
  readonly missed: MissedEvents
  readonly trackDelivery: TrackDelivery
  readonly commands: Dispatcher
  readonly dialects: readonly RealtimeDialect[]
  readonly budgets: Budgets
  readonly availability: Pick<Availability, 'asRefusal'>
  readonly config: Pick<Config, 'limits' | 'timings' | 'WS_QUERY_TOKEN'>
  readonly counts: ConnectionCounts
  readonly onError: (error: unknown) => void
}

/** The socket face: every open connection with its frame loop, from the upgrade to the close. */
export class SocketServer {
  readonly #deps: SocketDeps
  readonly #subprotocols: Map<string, Subprotocol>
  readonly #dialectNames: readonly string[]
  readonly #responses = new WeakMap<IncomingMessage, ServerResponse>()
  readonly #loops = new Map<SocketConnection, FrameLoop>()
  readonly #sweeper: NodeJS.Timeout
  #slot = 0

  constructor(deps: SocketDeps) {
    this.#deps = deps
    const { handshake, onError, commands, config, dialects, budgets, counts, availability } = deps
    const { timings, limits } = config
    const canonical = { dispatcher: commands, handshake, limits, budgets, counts, availability, onError }
    this.#subprotocols = createSubprotocols(canonical, { ...deps, timings })
    this.#dialectNames = dialects.map(({ name }) => name)
    this.#sweeper = setInterval(() => this.#sweep(), timings.sweepMs / SWEEP_SLOTS).unref()
  }

  /** Bytes that wait for clients to read them, all together. */
  get queuedBytes(): number {
    let bytes = 0
    for (const connection of this.#loops.keys()) bytes += connection.queuedBytes
    return bytes
  }

  /** Connections that are open, of every face. */
  get connections(): number {
    return this.#deps.lifecycle.count
  }

  /** Connections that are open. */
  get count(): number {
    return this.#loops.size
  }

  /** Adds `GET /ws` to an app that has @fastify/websocket. */
  readonly routes: FastifyPluginAsync = async app => {
    app.route({
      method: 'GET',
      url: '/ws',
      config: { isPublic: true, isUnlimited: true },
      schema: { hide: true } as object,
      onRequest: async (request, reply) => {
        this.#requireWelcome(request)
        this.#responses.set(request.raw, reply.raw)
      },
      handler: async (request, reply) => {
        const error = presentError(new AppError('invalid', 'This is a WebSocket endpoint'))
        return await reply
          .code(426)
          .header('upgrade', 'websocket')
          .send({ error: { ...error, requestId: request.id } })
      },
      wsHandler: (ws, request) => this.#open(ws, request)
    })
  }

  /** Sends everybody away, each at a moment of its own, and waits for commands under way. */
  async drain(): Promise<void> {
    clearInterval(this.#sweeper)
    await Promise.all([...this.#loops].map(async ([connection, loop]) => await this.#sendAway(connection, loop)))
  }

  async #sendAway(connection: SocketConnection, loop: FrameLoop): Promise<void> {
    const { drain, config } = this.#deps
    const inMs = drain.slot()
    sendText(connection, encodeEphemeral(DrainEvent.type, { inMs }))
    await delay(inMs)
    await loop.leave(config.timings.drainFinishMs)
    await connection.leave()
  }

  #requireWelcome({ headers, query, raw }: FastifyRequest): void {
    if (this.#deps.drain.hasBegun) throw goingAway()
    this.#deps.origins.require(raw)
    const offered = headers['sec-websocket-protocol']
    if (offered !== undefined && chooseSubprotocol(offered.split(','), this.#dialectNames) === undefined) {
      throw new AppError('invalid', `The subprotocol of this endpoint is ${SUBPROTOCOL}`)
    }
    const { dialect, token } = query as { dialect?: unknown; token?: unknown }
    if (dialect !== undefined && (typeof dialect !== 'string' || !this.#dialectNames.includes(dialect))) {
      throw new AppError('invalid', 'There is no such dialect here')
    }
    if (token !== undefined && !this.#deps.config.WS_QUERY_TOKEN) {
      throw new AppError('invalid', 'A token in the address is not allowed here; send it in hello')
    }
    this.#deps.strangers.requireRoom(this.#deps.proxies.addressOf(raw))
  }

  /** Open a connection. Nothing may hold on to the request: a connection lives long, and there are many. */
  #open(ws: WebSocket, { raw, query }: FastifyRequest): void {
    // First of all, because an error without a listener ends the process; the plugin's own would keep the request.
    ws.removeAllListeners('error').on('error', ignore)
    // The upgrade is over, and its response would stay as long as the socket.
    this.#responses.get(raw)?.detachSocket(raw.socket)
    const { socket, loop: deps } = this.#subprotocolOf(ws, query as Record<string, unknown>)
    const connection = new SocketConnection(randomBytes(9).toString('base64url'), ws, raw.socket, socket)
    const loop = new FrameLoop(connection, deps)
    this.#loops.set(connection, loop)
    this.#deps.lifecycle.open(connection, this.#deps.proxies.addressOf(raw))
    listen(ws, connection, loop)
    ws.on('close', code => this.#leave(connection, code))
    // Nobody sends away who was let in as the drain began.
    if (this.#deps.drain.hasBegun) return connection.close('drain')
    const { WS_QUERY_TOKEN } = this.#deps.config
    const credential = readCredential(raw.headers, query as Record<string, unknown>, WS_QUERY_TOKEN)
    if (credential.token !== undefined || credential.ticket !== undefined) void loop.authenticate(credential)
  }

  #leave(connection: SocketConnection, code: number): void {
    this.#loops.delete(connection)
    connection.stop()
    this.#deps.lifecycle.leave(connection, code)
  }

  #subprotocolOf({ protocol }: WebSocket, { dialect }: Record<string, unknown>): Subprotocol {
    const name = typeof dialect === 'string' ? dialect : protocol.slice(SUBPROTOCOL.length + 1)
    const subprotocol = this.#subprotocols.get(name)
    if (subprotocol === undefined) throw new Error('The upgrade was let through without a subprotocol')
    return subprotocol
  }

  #sweep(): void {
    const now = performance.now()
    let index = 0
    for (const connection of this.#loops.keys()) {
      index += 1
      if (index % SWEEP_SLOTS === this.#slot) connection.check(now)
      const expiresAt = connection.checkToken()
      if (expiresAt === undefined) continue
      const { type } = AuthExpiring
      sendText(connection, encodeEphemeral(type, { expiresAt: new Date(expiresAt).toISOString() }))
    }
    this.#slot = (this.#slot + 1) % SWEEP_SLOTS
  }
}

function ignore(): void {
  // What matters of an error is the close that follows it.
}

function listen(ws: WebSocket, connection: SocketConnection, loop: FrameLoop): void {
  ws.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) connection.closeWith(1003, 'text frames only')
    else loop.receive(data.toString(), data.length)
  })
  ws.on('pong', () => connection.touch())
}
