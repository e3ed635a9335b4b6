import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import cors from '@fastify/cors'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import type { Bus } from './bus/bus.ts'
import { MemoryBus } from './bus/memory.ts'
import type { Config } from './config.ts'
import { createDelivery } from './delivery/index.ts'
import type { DialectParts } from './dialects/dialect.ts'
import { createDialects, describeDialects, dialectRoutes } from './dialects/index.ts'
import { SocketIoServer } from './faces/socketio/server.ts'
import { streamRoutes } from './faces/sse/routes.ts'
import { StreamServer } from './faces/sse/server.ts'
import { conversationCommands } from './faces/ws/conversations.ts'
import { ephemeralCommands } from './faces/ws/live.ts'
import { messageCommands } from './faces/ws/messages.ts'
import { SocketServer } from './faces/ws/server.ts'
import { chooseSubprotocol } from './faces/ws/subprotocol.ts'
import { loggerOptions } from './log.ts'
import { Dispatcher } from './realtime/commands/dispatcher.ts'
import type { ConnectionCounts } from './realtime/connection.ts'
import { DeliveryTracker, type TrackDelivery } from './realtime/delivery-tracker.ts'
import type { RealtimeDialect } from './realtime/dialect-encoder.ts'
import { EncodedCounts } from './realtime/encoded-counts.ts'
import { Handshake } from './realtime/handshake.ts'
import { Hub } from './realtime/hub.ts'
import { Lifecycle } from './realtime/lifecycle.ts'
import type { FindScope } from './realtime/presence/automatic-subscriptions.ts'
import { Undelivered } from './realtime/undelivered.ts'
import { createServices, type Services } from './services/index.ts'
import { openStore, type Store } from './store/index.ts'
import { type Authenticator, authenticateRequests, createAuthenticator } from './transport/auth.ts'
import { documentRoutes } from './transport/documents.ts'
import { createMetrics, type LoadMetrics } from './transport/lazy-metrics.ts'
import { apiRoutes } from './transport/rest/api.ts'
import { answerError, answerErrors } from './transport/rest/errors.ts'
import { readJsonBodies } from './transport/rest/json.ts'
import { operationRoutes } from './transport/rest/operations.ts'
import { createRequestLimits } from './transport/rest/rate-limits.ts'
import { noCompilers, validateRequests } from './transport/rest/validation.ts'

const BODY_BYTES = 131_072

export type AppConfig = Config & { MONGODB_URI: string; JWT_SECRET: string[] }

/** Starts one node: the store, then the services, then the transports. The app listens when it is told to. */
export async function buildApp(config: AppConfig): Promise<FastifyInstance> {
  const app = createServer(config)
  const onError = (err: unknown): void => app.log.error({ err }, 'Something failed in the background')
  const store = await openStore(config)
  const bus = new MemoryBus()
  const delivery = await createDelivery(config, app.log)
  const services = createServices({ store, bus, config, delivery, onError })
  const authenticator = createAuthenticator(app, { config, services })
  const openStream: DialectParts['openStream'] = async (reply, dialect) =>
    await faces.streams.open(reply.request, reply, dialect)
  const dialects = createDialects({ services, authenticator, config, openStream })
  const realtime = createRealtime({ services, bus, authenticator, config, onError }, store.epoch)
  const faces = createFaces(app, { ...realtime, services, config, onError, dialects: dialects.map(it => it.realtime) })
  const { socket } = faces
  const loadMetrics = measure({ ...realtime, ...faces, store, services, onError })
  await addPlugins(app, { ...faces, config, dialectNames: dialects.map(({ name }) => name) })
  authenticateRequests(app, authenticator, await createRequestLimits(app, config.limits))
  await app.register(documentRoutes, { dialects: describeDialects(dialects) })
  await app.register(apiRoutes, { prefix: '/v1', services, authenticator, config })
  await app.register(operationRoutes, {
    loadMetrics,
    metricsToken: config.METRICS_TOKEN,
    isDraining: () => socket.isDraining,
    probe: services.health.probe
  })
  await app.register(socket.routes)
  await app.register(streamRoutes, { streams: faces.streams })
  await app.register(dialectRoutes, { dialects })
  await services.lookout.start()
  app.addHook('preClose', async () => {
    setTimeout(() => app.server.closeAllConnections(), config.timings.requestFinishMs).unref()
  })
  app.addHook('onClose', async () => {
    services.lookout.stop()
    delivery.close()
    await store.close()
  })
  return app
}

interface RealtimeDeps {
  readonly services: Services
  readonly bus: Bus
  readonly authenticator: Authenticator
  readonly config: AppConfig
  readonly onError: (error: unknown) => void
}

/** The part of every connection that is the same for all faces. */
function createRealtime({ services, bus, authenticator, config, onError }: RealtimeDeps, epoch: string) {
  const { blocks, friends, lookout, peers, presence, receipts, replay, sessions } = services
  const { limits, timings } = config
  const findScope: FindScope = async (scope, actor) =>
    await (scope === 'peers' ? peers.of(actor) : friends.circleIds(actor))
  const hub = new Hub({ bus, replay, heads: lookout, blocks, presence, findScope, timings, onError })
  const authenticate = async (token: string) => await authenticator.authenticate(token)
  const lifecycle = new Lifecycle({ authenticate, sessions, presence, hub, limits, onError })
  const handshake = new Handshake({ lifecycle, services, config, epoch })
  const undelivered = new Undelivered(services)
  const trackDelivery: TrackDelivery = confirm =>
    new DeliveryTracker(confirm, { receipts, sessions, pauseMs: timings.receiptPauseMs, onError })
  const counts: ConnectionCounts = { frames: 0, dropped: 0, slow: 0, encoded: new EncodedCounts() }
  return { hub, lifecycle, handshake, undelivered, trackDelivery, counts }
}

type Realtime = ReturnType<typeof createRealtime>

interface FaceDeps extends Realtime {
  readonly services: Services
  readonly config: AppConfig
  readonly dialects: readonly RealtimeDialect[]
  readonly onError: (error: unknown) => void
}

/** The faces that keep connections open. */
function createFaces(app: FastifyInstance, deps: FaceDeps) {
  const { services } = deps
  const commands = new Dispatcher()
  messageCommands(commands.register, services)
  conversationCommands(commands.register, services)
  ephemeralCommands(commands.register, services, deps)
  const socket = new SocketServer({ ...deps, commands })
  return {
    socket,
    streams: new StreamServer({ ...deps, resumption: services.resumption }),
    packets: new SocketIoServer(app.server, { ...deps, isDraining: () => socket.isDraining })
  }
}

interface MeasuredDeps extends Pick<Realtime, 'hub' | 'lifecycle' | 'counts'> {
  readonly store: Store
  readonly services: Services
  readonly socket: SocketServer
  readonly onError: (error: unknown) => void
}

function measure({ store, services, hub, lifecycle, counts, socket, onError }: MeasuredDeps): LoadMetrics {
  const sources = {
    connections: () => lifecycle.count,
    users: () => hub.userCount,
    queuedBytes: () => socket.queuedBytes,
    waitingCommits: () => store.commits.waiting,
    counts,
    commits: services.commits
  }
  return createMetrics(sources, onError)
}

function createServer(config: AppConfig): FastifyInstance {
  const app = Fastify({
    logger: loggerOptions(config),
    logController: new LogController({ disableRequestLogging: !['debug', 'trace'].includes(config.LOG_LEVEL) }),
    bodyLimit: BODY_BYTES,
    schemaController: noCompilers,
    routerOptions: { maxParamLength: 16_384 },
    trustProxy: config.TRUST_PROXY.length > 0 ? config.TRUST_PROXY : false,
    // The first must be the smaller: Node would swap them, and a slow body would not be cut.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply)
  })
  answerErrors(app)
  validateRequests(app)
  readJsonBodies(app)
  return app
}

interface PluginParts {
  config: AppConfig
  socket: SocketServer
  packets: SocketIoServer
  streams: StreamServer
  dialectNames: readonly string[]
}

async function addPlugins(
  app: FastifyInstance,
  { config, socket, packets, streams, dialectNames }: PluginParts
): Promise<void> {
  await app.register(cors, { origin: config.NODE_ENV === 'development' ? true : config.CORS_ORIGINS, maxAge: 600 })
  // Both answer upgrades: those for socket.io do not reach the other.
  const upgrades = new EventEmitter()
  app.server.on('upgrade', (request: IncomingMessage, ...rest: unknown[]) => {
    if (!request.url?.startsWith(SocketIoServer.path)) upgrades.emit('upgrade', request, ...rest)
  })
  await app.register(websocket, {
    options: {
      server: upgrades as Server,
      maxPayload: config.limits.frameInBytes,
      maxFragments: 64,
      maxBufferedChunks: 1_024,
      perMessageDeflate: false,
      clientTracking: false,
      closeTimeout: 2_000,
      handleProtocols: offered => chooseSubprotocol(offered, dialectNames) ?? false
    } as NonNullable<websocket.WebsocketPluginOptions['options']>,
    preClose: function (done) {
      streams.close()
      void Promise.all([socket.drain(), packets.close()]).finally(() => this.websocketServer.close(() => done()))
    }
  })
}
