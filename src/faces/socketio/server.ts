import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Namespace, Server, type Socket } from 'socket.io'
import { Adapter } from 'socket.io-adapter'
import type { Config } from '../../config/config.ts'
import type { Availability } from '../../database/availability.ts'
import { AppError, goingAway, presentError } from '../../errors.ts'
import type { Budgets } from '../../limits/budgets.ts'
import type { ConnectionCounts, Encoder } from '../../realtime/connection.ts'
import type { TrackDelivery } from '../../realtime/delivery/delivery-tracker.ts'
import type { MissedEvents, Receiver } from '../../realtime/delivery/missed.ts'
import { deviceOf } from '../../realtime/device.ts'
import type { Drain } from '../../realtime/drain.ts'
import { DialectEncoder, type RealtimeDialect } from '../../realtime/encoding/dialect-encoder.ts'
import { closeReasonOf, type Lifecycle } from '../../realtime/lifecycle.ts'
import type { Origins } from '../../realtime/origins.ts'
import type { Strangers } from '../../realtime/strangers.ts'
import { EXPOSED_HEADERS } from '../http/cors.ts'
import type { Proxies } from '../http/proxies.ts'
import { BoundedWebSocketServer } from '../ws/engine.ts'
import { SocketIoConnection } from './connection.ts'
import { clientIds, isLegacyMain, namedDevice, namedDialect, tokenOf } from './handshake.ts'
import { PacketLoop } from './packet-loop.ts'
import { SOCKET_IO_PATH } from './path.ts'
import { refuseRequest } from './refusal.ts'
import { Transports } from './transports.ts'
import { SocketIoWriter } from './writer.ts'

/** Dependencies of the socket.io face. */
export interface SocketIoDeps {
  readonly lifecycle: Lifecycle
  readonly strangers: Strangers
  readonly proxies: Pick<Proxies, 'addressOf' | 'watch'>
  readonly origins: Origins
  readonly missed: MissedEvents
  readonly trackDelivery: TrackDelivery
  readonly budgets: Budgets
  readonly availability: Pick<Availability, 'asRefusal'>
  readonly config: Pick<Config, 'limits' | 'timings'>
  readonly dialects: readonly RealtimeDialect[]
  readonly counts: ConnectionCounts
  readonly drain: Drain
  readonly onError: (error: unknown, type?: string) => void
}

/** Socket that may enter its namespace. */
interface AcceptedSocket {
  readonly connection: SocketIoConnection
  readonly dialect: RealtimeDialect
  /** Once it has entered. */
  loop?: PacketLoop
}

/** Request as engine.io hands it on, with its query. */
interface EngineRequest extends IncomingMessage {
  readonly _query?: Readonly<Record<string, string>>
}

/** The socket.io face: unmodified clients of version 2 to 4, by long-polling, WebSocket and the upgrade between them. */
export class SocketIoServer {
  readonly #deps: SocketIoDeps
  readonly #io: Server
  readonly #transports: Transports
  readonly #connections = new Set<SocketIoConnection>()
  readonly #sweeper: NodeJS.Timeout

  constructor(http: HttpServer, deps: SocketIoDeps) {
    this.#deps = deps
    const { config, dialects, proxies, origins } = deps
    const { heartbeatMs, heartbeatTimeoutMs, helloTimeoutMs, sweepMs } = config.timings
    this.#io = new Server({
      path: SOCKET_IO_PATH,
      serveClient: false,
      allowEIO3: true,
      destroyUpgrade: false,
      pingInterval: heartbeatMs,
      // After a ping: together as long as on the raw socket.
      pingTimeout: heartbeatTimeoutMs - heartbeatMs,
      connectTimeout: helloTimeoutMs,
      maxHttpBufferSize: config.limits.frameInBytes,
      wsEngine: BoundedWebSocketServer,
      // Clients that can are told an id by which they name themselves when they come back; what they missed is sent from
      // their cursor, and nothing is kept for them in memory.
      connectionStateRecovery: {},
      adapter: Adapter,
      perMessageDeflate: false,
      httpCompression: false,
      // Clients of version 2 always ask with credentials, for which every origin has to be named.
      cors: ({ headers: { origin } }, done) =>
        done(null, {
          origin: origin !== undefined && origins.isShared(origin) && origin,
          credentials: true,
          exposedHeaders: EXPOSED_HEADERS
        })
    })
    this.#serve('/')
    for (const { name, namespaces = [] } of dialects) {
      for (const namespace of [name, ...namespaces]) this.#serve(`/${namespace}`)
    }
    this.#io.attach(http)
    this.#io.engine.use((request: EngineRequest, response: ServerResponse, next: () => void) => {
      if (this.#isWelcome(request, response)) next()
    })
    this.#transports = new Transports(this.#io.engine, {
      ...{ ...config, strangers: deps.strangers, drain: deps.drain },
      addressOf: request => proxies.addressOf(request)
    })
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs).unref()
  }

  /** Transports that are open. */
  get count(): number {
    return this.#transports.count
  }

  /** Ends the transports, each in its slot and once its commands are answered; clients come back, elsewhere or later. */
  async drain(): Promise<void> {
    clearInterval(this.#sweeper)
    const { drain, config } = this.#deps
    const { drainFinishMs, closeTimeoutMs } = config.timings
    await this.#transports.endAll(closeTimeoutMs, async sockets => {
      await delay(drain.slot())
      const accepted = sockets().map(acceptedOf)
      await Promise.all(accepted.map(async ({ loop }) => await loop?.leave(drainFinishMs)))
      await Promise.all(accepted.map(async ({ connection }) => await connection?.leave(closeTimeoutMs)))
    })
    // Not `close`, which would also close the HTTP server.
    await new Promise<void>(resolve => {
      this.#io.engine.close()
      setImmediate(resolve)
    })
  }

  /** Whether a client may open a transport; one that is open already may go on. */
  #isWelcome(request: EngineRequest, response: ServerResponse): boolean {
    if (request._query?.['sid']) return true
    const { proxies, strangers, origins, drain } = this.#deps
    proxies.watch(request)
    try {
      if (drain.hasBegun) throw goingAway()
      origins.require(request)
      strangers.requireRoom(proxies.addressOf(request))
      return true
    } catch (error) {
      if (!(error instanceof AppError)) this.#deps.onError(error)
      refuseRequest(request, response, error)
      return false
    }
  }

  #serve(namespace: string): void {
    const nsp = this.#io.of(namespace)
    const encoders = new Map<RealtimeDialect, Encoder>()
    nsp.use((socket, next) => {
      this.#accept(nsp, encoders, socket).then(
        () => next(),
        (error: unknown) => next(this.#refusal(error, socket))
      )
    })
    nsp.on('connection', socket => this.#open(socket))
  }

  async #accept(nsp: Namespace, encoders: Map<RealtimeDialect, Encoder>, socket: Socket): Promise<void> {
    const { lifecycle, origins, config, counts, trackDelivery, onError } = this.#deps
    this.#transports.requireJoin(socket.conn)
    origins.require(socket.request)
    const actor = await lifecycle.authenticate({ token: tokenOf(socket) }, socket.conn)
    if (nsp.name !== '/') this.#transports.nameNamespace(socket.conn)
    const dialect = this.#dialectOf(nsp.name, socket)
    if (dialect === undefined && isLegacyMain(socket) && namedDialect(socket) === undefined) return
    if (dialect === undefined) throw new AppError('invalid', 'There is no such dialect here')
    const encoder =
      encoders.get(dialect) ??
      new DialectEncoder(dialect, new SocketIoWriter(nsp, counts.encoded.tally(dialect.name, 'socket.io')), onError)
    encoders.set(dialect, encoder)
    const { slowReaderMs } = config.timings
    socket.data = {
      connection: new SocketIoConnection(socket, { encoder, actor, trackDelivery, slowReaderMs }),
      dialect
    }
  }

  /** Take the client's commands from here on; they are answered once it has caught up. */
  #open(socket: Socket): void {
    const { connection, dialect } = acceptedOf(socket)
    if (connection === undefined || dialect === undefined) return
    const { lifecycle, config, budgets, counts, availability, onError } = this.#deps
    lifecycle.open(connection)
    this.#connections.add(connection)
    socket.on('disconnect', reason => this.#leave(connection, reason === 'ping timeout'))
    const ready = this.#start(connection, dialect)
    const { limits } = config
    const deps = { dispatcher: dialect.commands, limits, budgets, counts, availability, onError }
    const loop = new PacketLoop(connection, deps, ready)
    Object.assign(socket.data, { loop })
    socket.use(([name, ...args]) => loop.receive(String(name), args))
    ready.catch((thrown: unknown) => {
      const error = availability.asRefusal(thrown)
      if (!(error instanceof AppError)) onError(error)
      if (this.#connections.has(connection)) connection.close(closeReasonOf(error))
    })
  }

  #leave(connection: SocketIoConnection, isLost = false): void {
    this.#connections.delete(connection)
    connection.stop(isLost)
    this.#deps.lifecycle.leave(connection)
    this.#transports.leave(connection.socket)
  }

  async #start(connection: SocketIoConnection, dialect: RealtimeDialect): Promise<void> {
    if (isLegacyMain(connection.socket) && !(await this.#isMeant(connection.socket))) {
      this.#leave(connection)
      throw new AppError('forbidden', 'The client has entered another namespace')
    }
    const { lifecycle, missed } = this.#deps
    const { actor, catchUp, tracker } = connection
    const client = { dialect, ...deviceOf(actor, namedDevice(connection.socket)), ...clientIds(connection.socket) }
    const emit: Receiver['emit'] = (translated, outbound) => connection.emit(translated, outbound)
    this.#transports.enter(connection.socket)
    await lifecycle.start(connection, {
      authenticate: async () => actor,
      catchUp: async () => await missed.replay(actor, client, { connection, catchUp, tracker, emit })
    })
  }

  /**
   * Whether a client in the main namespace means it. Clients of version 2 always begin there, also when they mean
   * another one; only when they have not named another after a while do they enter the main one.
   */
  async #isMeant(socket: Socket): Promise<boolean> {
    await delay(this.#deps.config.timings.legacyNamespaceMs)
    return socket.connected && !this.#transports.hasNamedNamespace(socket.conn)
  }

  /** The dialect that a client names, else that of its namespace, else the first that its query means. */
  #dialectOf(namespace: string, socket: Socket): RealtimeDialect | undefined {
    const { dialects } = this.#deps
    const named = namedDialect(socket)
    if (named !== undefined) return dialects.find(({ name }) => name === named)
    const wanted = namespace.slice(1)
    if (wanted === '') return dialects.find(dialect => dialect.meansQuery?.(socket.handshake.query))
    return dialects.find(({ name, namespaces = [] }) => name === wanted || namespaces.includes(wanted))
  }

  /** The error that a client which is not let in gets; it does not come back by itself unless that may help. */
  #refusal(thrown: unknown, socket: Socket): Error {
    const error = this.#deps.availability.asRefusal(thrown)
    const { code, message, retry, retryAfterMs } = presentError(error)
    if (!(error instanceof AppError)) this.#deps.onError(error)
    if (retry === 'later') setImmediate(() => socket.conn.close())
    return Object.assign(new Error(message), { data: { code, message, retryAfterMs } })
  }

  #sweep(): void {
    for (const connection of this.#connections) {
      if (connection.hasExpired) connection.close('auth_expired')
      else if (connection.checkSlow()) {
        this.#deps.counts.slow += 1
        connection.close('slow_consumer')
      }
    }
  }
}

/** Connection and dialect of a socket, once it may enter. */
function acceptedOf({ data }: Socket): Partial<AcceptedSocket> {
  return data
}
