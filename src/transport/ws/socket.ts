import { randomBytes } from 'node:crypto'
import '@fastify/websocket'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { encodeEphemeral, SUBPROTOCOL } from '../../../protocol/envelope.ts'
import { AuthExpiring } from '../../../protocol/events/session.ts'
import type { Config } from '../../config.ts'
import { AppError } from '../../errors.ts'
import type { Services } from '../../services/index.ts'
import type { Authenticator } from '../auth.ts'
import type { ConnectionCounts } from '../connection.ts'
import { Dispatcher } from '../dispatch.ts'
import type { Greeter } from '../greeter.ts'
import type { Hub } from '../hub.ts'
import { requireOrigin } from '../origin.ts'
import { presentError } from '../rest/errors.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { SocketConnection, sendText } from './connection.ts'
import { conversationHandlers } from './conversations.ts'
import { chooseSubprotocol, createDesks, type Desk } from './desks.ts'
import { Drain } from './drain.ts'
import { Outbox } from './frames.ts'
import { liveHandlers } from './live.ts'
import { messageHandlers } from './messages.ts'
import { ClientSession } from './session.ts'

/** Parts of the connections that are looked after one after the other. */
const SWEEP_SLOTS = 5

interface SocketParts {
  services: Services
  authenticator: Authenticator
  hub: Hub
  config: Pick<Config, 'limits' | 'timings' | 'WS_QUERY_TOKEN' | 'CORS_ORIGINS' | 'NODE_ENV'>
  greeter: Greeter
  /** By name. */
  vocabularies: ReadonlyMap<string, Vocabulary>
  counts: ConnectionCounts
  onError: (error: unknown) => void
}

/** The socket face: every open connection with its client, from the upgrade to the close. */
export class SocketServer {
  readonly #parts: SocketParts
  readonly #dispatcher = new Dispatcher()
  readonly #desks: Map<string | undefined, Desk>
  readonly #responses = new WeakMap<IncomingMessage, ServerResponse>()
  readonly #outbox = new Outbox()
  readonly #clients = new Map<SocketConnection, ClientSession>()
  readonly #drain: Drain
  readonly #sweeper: NodeJS.Timeout
  #slot = 0

  constructor(parts: SocketParts) {
    this.#parts = parts
    const { limits, timings } = parts.config
    this.#drain = new Drain(timings)
    const { greeter, onError } = parts
    const isDraining = () => this.#drain.hasBegun
    this.#desks = createDesks({ dispatcher: this.#dispatcher, greeter, limits, isDraining, onError }, parts)
    messageHandlers(this.#dispatcher.register, parts.services)
    conversationHandlers(this.#dispatcher.register, parts.services)
    liveHandlers(this.#dispatcher.register, parts.services, parts)
    this.#sweeper = setInterval(() => this.#sweep(), timings.sweepMs / SWEEP_SLOTS).unref()
  }

  get connectionCount(): number {
    return this.#clients.size
  }

  /** Bytes that wait for clients to read them, all together. */
  get queuedBytes(): number {
    let bytes = 0
    for (const connection of this.#clients.keys()) bytes += connection.queuedBytes
    return bytes
  }

  get isDraining(): boolean {
    return this.#drain.hasBegun
  }

  /** The commands that have a handler. */
  get types(): string[] {
    return this.#dispatcher.types
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
    await this.#drain.run([...this.#clients.keys()], () =>
      [...this.#clients.values()].some(client => client.running > 0)
    )
  }

  #requireWelcome(request: FastifyRequest): void {
    if (this.#drain.hasBegun) throw new AppError('draining', 'The server is going away', { retryAfterMs: 1_000 })
    requireOrigin(request, this.#parts.config)
    const offered = request.headers['sec-websocket-protocol']
    if (offered !== undefined && this.#subprotocolOf(offered) === undefined) {
      throw new AppError('invalid', `The subprotocol of this endpoint is ${SUBPROTOCOL}`)
    }
    const { token, dialect } = request.query as { token?: unknown; dialect?: unknown }
    if (dialect !== undefined && (typeof dialect !== 'string' || !this.#desks.has(dialect))) {
      throw new AppError('invalid', 'There is no such dialect here')
    }
    if (token !== undefined && !this.#parts.config.WS_QUERY_TOKEN) {
      throw new AppError('invalid', 'A token in the address is not allowed here; send it in hello')
    }
  }

  /** Nothing here may hold on to the request: a connection lives long, and there are many. */
  #open(ws: WebSocket, { raw, query }: FastifyRequest): void {
    // First of all, because an error without a listener ends the process; the plugin's own would keep the request.
    ws.removeAllListeners('error').on('error', ignore)
    // The upgrade is over, and its response would stay as long as the socket.
    this.#responses.get(raw)?.detachSocket(raw.socket)
    const id = randomBytes(9).toString('base64url')
    const { voice, parts } = this.#deskOf(ws, query as Record<string, unknown>)
    const connection = new SocketConnection(id, ws, raw.socket, {
      ...{ voice, outbox: this.#outbox, counts: this.#parts.counts, timings: this.#parts.config.timings }
    })
    const client = new ClientSession(connection, parts)
    this.#clients.set(connection, client)
    listen(ws, connection, client)
    ws.on('close', () => this.#close(connection))
    const authenticating = this.#authenticateUpgrade(raw, query as Record<string, unknown>)
    if (authenticating !== undefined) void client.authenticate(authenticating)
  }

  #subprotocolOf(offered: string): string | undefined {
    return chooseSubprotocol(offered.split(','), [...this.#parts.vocabularies.keys()])
  }

  #deskOf({ protocol }: WebSocket, { dialect }: Record<string, unknown>): Desk {
    const name = typeof dialect === 'string' ? dialect : protocol.slice(SUBPROTOCOL.length + 1)
    const desk = this.#desks.get(name === '' ? undefined : name)
    if (desk === undefined) throw new Error('The upgrade was let through without a desk')
    return desk
  }

  #close(connection: SocketConnection): void {
    const { hub, services, onError } = this.#parts
    this.#clients.delete(connection)
    const { actor } = connection
    if (actor === undefined) return
    hub.leave(connection, actor.userId)
    services.presence.remove(actor.userId, connection.id).catch(onError)
  }

  #authenticateUpgrade({ headers }: IncomingMessage, { token, ticket }: Record<string, unknown>) {
    const { authenticator, services } = this.#parts
    const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
    if (bearer !== undefined) return authenticator.authenticate(bearer)
    if (typeof ticket === 'string') return services.sessions.redeemTicket(ticket)
    if (typeof token === 'string') return authenticator.authenticate(token)
    return undefined
  }

  #sweep(): void {
    const now = performance.now()
    let index = 0
    for (const connection of this.#clients.keys()) {
      index += 1
      if (index % SWEEP_SLOTS !== this.#slot) continue
      const expiresAt = connection.check(now)
      if (expiresAt === undefined) continue
      sendText(connection, encodeEphemeral(AuthExpiring.type, { expiresAt: new Date(expiresAt).toISOString() }))
    }
    this.#slot = (this.#slot + 1) % SWEEP_SLOTS
  }
}

function ignore(): void {
  // What matters of an error is the close that follows it.
}

function listen(ws: WebSocket, connection: SocketConnection, client: ClientSession): void {
  ws.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) connection.closeWith(1003, 'text frames only')
    else client.receive(data.toString())
  })
  ws.on('pong', () => connection.touch())
}
