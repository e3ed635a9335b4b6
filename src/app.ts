import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import cors from '@fastify/cors'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import { Bus } from './bus/bus.ts'
import type { Config } from './config.ts'
import { createDelivery } from './delivery/index.ts'
import type { DialectParts } from './dialects/dialect.ts'
import { createDialects, describeDialects, dialectRoutes } from './dialects/index.ts'
import { createJobs, type Jobs } from './jobs/index.ts'
import { loggerOptions } from './log.ts'
import { createServices, type Services } from './services/index.ts'
import { openStore, type Store } from './store/index.ts'
import { authenticateRequests, createAuthenticator } from './transport/auth.ts'
import type { ConnectionCounts } from './transport/connection.ts'
import { documentRoutes } from './transport/documents.ts'
import { EncodedCounts } from './transport/encoded.ts'
import { Greeter } from './transport/greeter.ts'
import { Hub } from './transport/hub.ts'
import { Metrics } from './transport/metrics.ts'
import { apiRoutes } from './transport/rest/api.ts'
import { answerError, answerErrors } from './transport/rest/errors.ts'
import { readJsonBodies } from './transport/rest/json.ts'
import { operationRoutes } from './transport/rest/operations.ts'
import { createRequestLimits } from './transport/rest/rate-limits.ts'
import { validateRequests } from './transport/rest/validation.ts'
import { SocketIoServer } from './transport/socketio/server.ts'
import { streamRoutes } from './transport/sse/routes.ts'
import { StreamServer } from './transport/sse/server.ts'
import { chooseSubprotocol } from './transport/ws/desks.ts'
import { SocketServer } from './transport/ws/socket.ts'

const BODY_BYTES = 131_072
/** How long requests under way may take once the sockets are closed; then their connections are cut, ms. */
const LINGER_MS = 5_000
/** How often one of the servers ends transactions that killed ones have left open, ms. */
const STALE_TRANSACTIONS_MS = 5_000

export type AppConfig = Config & { MONGODB_URI: string; JWT_SECRET: string[] }

/** Starts one node: the store, then the services, then the transports. The app listens when it is told to. */
export async function buildApp(config: AppConfig): Promise<FastifyInstance> {
  const app = createServer(config)
  const onError = (err: unknown): void => app.log.error({ err }, 'Something failed in the background')
  const store = await openStore(config)
  const bus = new Bus()
  const delivery = createDelivery(config, app.log)
  const jobs = declareJobs(store, onError)
  const services = createServices({ store, bus, config, delivery, jobs, onError })
  const hub = new Hub({ ...services, bus, onError })
  const counts = { frames: 0, dropped: 0, slow: 0, encoded: new EncodedCounts() }
  const authenticator = createAuthenticator(app, { config, services })
  const openStream: DialectParts['openStream'] = async (reply, dialect) =>
    await streams.open(reply.request, reply, dialect)
  const dialects = createDialects({ services, authenticator, config, openStream })
  const vocabularies = new Map(dialects.map(({ name, vocabulary }) => [name as string, vocabulary]))
  const greeter = new Greeter({ services, authenticator, hub, limits: config.limits, epoch: store.epoch })
  const faces = { services, authenticator, greeter, hub, config, vocabularies, counts, onError }
  const socket = new SocketServer(faces)
  const streams = new StreamServer(faces)
  const packets = new SocketIoServer(app.server, { ...faces, isDraining: () => socket.isDraining })
  const metrics = createMetrics({ store, services, jobs, hub, counts, socket, packets, streams })
  await addPlugins(app, { config, socket, packets, streams, vocabularies: [...vocabularies.keys()] })
  authenticateRequests(app, authenticator, await createRequestLimits(app, config.limits))
  await app.register(documentRoutes, { dialects: await describeDialects(dialects) })
  await app.register(apiRoutes, { prefix: '/v1', services, authenticator, limits: config.limits })
  await app.register(operationRoutes, {
    metrics,
    metricsToken: config.METRICS_TOKEN,
    isDraining: () => socket.isDraining,
    probe: services.health.probe
  })
  await app.register(socket.routes)
  await app.register(streamRoutes, { streams })
  await app.register(dialectRoutes, { dialects })
  await jobs.start()
  app.addHook('preClose', async () => {
    setTimeout(() => app.server.closeAllConnections(), LINGER_MS).unref()
  })
  app.addHook('onClose', async () => {
    await jobs.stop()
    delivery.close()
    await store.close()
  })
  return app
}

function declareJobs(store: Store, onError: (error: unknown) => void): Jobs {
  const jobs = createJobs({ store, onError })
  jobs.oneServer({ name: 'stale-transactions', everyMs: STALE_TRANSACTIONS_MS, run: store.killStale })
  return jobs
}

interface MeasuredParts {
  store: Store
  services: Services
  jobs: Jobs
  hub: Hub
  counts: ConnectionCounts
  socket: SocketServer
  packets: SocketIoServer
  streams: StreamServer
}

function createMetrics({ store, services, jobs, hub, counts, socket, packets, streams }: MeasuredParts): Metrics {
  return new Metrics({
    connections: () => socket.connectionCount + packets.connectionCount + streams.connectionCount,
    users: () => hub.userCount,
    queuedBytes: () => socket.queuedBytes,
    waitingCommits: () => store.commits.waiting,
    counts,
    commits: services.commits,
    jobs: jobs.figures
  })
}

function createServer(config: AppConfig): FastifyInstance {
  const app = Fastify({
    logger: loggerOptions(config),
    logController: new LogController({ disableRequestLogging: !['debug', 'trace'].includes(config.LOG_LEVEL) }),
    bodyLimit: BODY_BYTES,
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
  /** Names of the dialects whose words may be spoken on the raw socket. */
  vocabularies: readonly string[]
}

async function addPlugins(
  app: FastifyInstance,
  { config, socket, packets, streams, vocabularies }: PluginParts
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
      handleProtocols: offered => chooseSubprotocol(offered, vocabularies) ?? false
    } as NonNullable<websocket.WebsocketPluginOptions['options']>,
    preClose: function (done) {
      streams.close()
      void Promise.all([socket.drain(), packets.close()]).finally(() => this.websocketServer.close(() => done()))
    }
  })
}
