import cors from '@fastify/cors'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import { SUBPROTOCOL } from '../protocol/envelope.ts'
import { Bus } from './bus/bus.ts'
import type { Config } from './config.ts'
import { loggerOptions } from './log.ts'
import { createServices } from './services/index.ts'
import { openStore } from './store/index.ts'
import { authenticateRequests, createAuthenticator } from './transport/auth.ts'
import { documentRoutes } from './transport/documents.ts'
import { Hub } from './transport/hub.ts'
import { Metrics } from './transport/metrics.ts'
import { apiRoutes } from './transport/rest/api.ts'
import { answerError, answerErrors } from './transport/rest/errors.ts'
import { readJsonBodies } from './transport/rest/json.ts'
import { operationRoutes } from './transport/rest/operations.ts'
import { createRequestLimits } from './transport/rest/rate-limits.ts'
import { validateRequests } from './transport/rest/validation.ts'
import { SocketServer } from './transport/ws/socket.ts'

const BODY_BYTES = 131_072

export type AppConfig = Config & { MONGODB_URI: string; JWT_SECRET: string[] }

/** Starts one node: the store, then the services, then the transports. The app listens when it is told to. */
export async function buildApp(config: AppConfig): Promise<FastifyInstance> {
  const app = createServer(config)
  const onError = (err: unknown): void => app.log.error({ err }, 'Something failed in the background')
  const store = await openStore(config)
  const bus = new Bus()
  const services = createServices({ store, bus, config, onError })
  const hub = new Hub({ bus, replay: services.replay, presence: services.presence, onError })
  const counts = { frames: 0, dropped: 0, slow: 0 }
  const authenticator = createAuthenticator(app, { config, services })
  const socket = new SocketServer({ services, authenticator, hub, config, epoch: store.epoch, counts, onError })
  const metrics = new Metrics({
    connections: () => socket.connectionCount,
    users: () => hub.userCount,
    queuedBytes: () => socket.queuedBytes,
    waitingCommits: () => store.commits.waiting,
    counts,
    commits: services.commits
  })
  await addPlugins(app, config, socket)
  authenticateRequests(app, authenticator, await createRequestLimits(app, config.limits))
  await app.register(documentRoutes)
  await app.register(apiRoutes, { prefix: '/v1', services, authenticator })
  await app.register(operationRoutes, {
    metrics,
    metricsToken: config.METRICS_TOKEN,
    isDraining: () => socket.isDraining,
    probe: services.health.probe
  })
  await app.register(socket.routes)
  await services.lookout.start()
  app.addHook('onClose', async () => {
    services.lookout.stop()
    await store.close()
  })
  return app
}

function createServer(config: AppConfig): FastifyInstance {
  const app = Fastify({
    logger: loggerOptions(config),
    logController: new LogController({ disableRequestLogging: !['debug', 'trace'].includes(config.LOG_LEVEL) }),
    bodyLimit: BODY_BYTES,
    routerOptions: { maxParamLength: 128 },
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

async function addPlugins(app: FastifyInstance, config: AppConfig, socket: SocketServer): Promise<void> {
  await app.register(cors, { origin: config.NODE_ENV === 'development' ? true : config.CORS_ORIGINS, maxAge: 600 })
  await app.register(websocket, {
    options: {
      maxPayload: config.limits.frameInBytes,
      maxFragments: 64,
      maxBufferedChunks: 1_024,
      perMessageDeflate: false,
      clientTracking: false,
      closeTimeout: 2_000,
      handleProtocols: offered => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false)
    } as NonNullable<websocket.WebsocketPluginOptions['options']>,
    preClose: function (done) {
      void socket.drain().finally(() => this.websocketServer.close(() => done()))
    }
  })
}
