import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import cors from '@fastify/cors'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import { loggerOptions } from '../../log.ts'
import type { LazySocketIoServer } from '../socketio/lazy-server.ts'
import { SOCKET_IO_PATH } from '../socketio/path.ts'
import type { StreamServer } from '../sse/server.ts'
import { WEBSOCKET_BOUNDS } from '../ws/engine.ts'
import type { SocketServer } from '../ws/server.ts'
import { chooseSubprotocol } from '../ws/subprotocol.ts'
import { answerError, answerErrors, answerUnreadable } from './errors.ts'
import { readJsonBodies } from './json.ts'
import { markLocalRequests } from './local.ts'
import { watchProxies } from './proxies.ts'
import { countRequests } from './request-counts.ts'
import { noCompilers, validateRequests } from './validation.ts'

const BODY_BYTES = 131_072
const SOCKET_PATH = '/ws'
/** Time after which another server answers in the place of one that closes. */
const COME_BACK_MS = 1_000

/** An HTTP server that answers errors, checks requests and reads JSON, and has no routes yet. */
export function createServer(config: Config): FastifyInstance {
  const app = Fastify({
    logger: loggerOptions(config),
    logController: new LogController({ disableRequestLogging: !['debug', 'trace'].includes(config.LOG_LEVEL) }),
    bodyLimit: BODY_BYTES,
    schemaController: noCompilers,
    routerOptions: { maxParamLength: 16_384, ignoreDuplicateSlashes: true, ignoreTrailingSlash: true },
    trustProxy: config.TRUST_PROXY.length > 0 ? config.TRUST_PROXY : false,
    // The first must be the smaller: Node would swap them, and a slow body would not be cut.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    clientErrorHandler: answerUnreadable
  })
  // Nothing here is a page or a program, whatever a browser makes of it.
  app.addHook('onSend', async (_, reply) => void reply.header('x-content-type-options', 'nosniff'))
  refuseWhileClosing(app)
  watchProxies(app, config.TRUST_PROXY)
  markLocalRequests(app)
  countRequests(app)
  answerErrors(app)
  validateRequests(app)
  readJsonBodies(app)
  return app
}

/** Refuses what comes while the server closes in the words of its face: Fastify's own answer has a form of its own. */
function refuseWhileClosing(app: FastifyInstance): void {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onRequest', async ({ routeOptions: { config } }) => {
    if (!isClosing || config.isUnlimited) return
    throw new AppError('draining', 'The server is going away', { retryAfterMs: COME_BACK_MS })
  })
}

interface UpgradeDeps {
  config: Config
  socket: SocketServer
  packets: LazySocketIoServer
  streams: StreamServer
  dialectNames: readonly string[]
}

/** Lets sockets and socket.io clients in, and sends everybody away when the server closes. */
export async function acceptUpgrades(
  app: FastifyInstance,
  { config, socket, packets, streams, dialectNames }: UpgradeDeps
): Promise<void> {
  await app.register(cors, {
    origin: config.NODE_ENV === 'development' ? true : config.CORS_ORIGINS,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['Retry-After'],
    maxAge: 600
  })
  // Both answer upgrades: those for socket.io do not reach the other.
  const upgrades = new EventEmitter()
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (request.url?.startsWith(SOCKET_IO_PATH)) return
    if (isSocketPath(request.url)) upgrades.emit('upgrade', request, socket, head)
    // Nothing is upgraded elsewhere, and nothing is logged of an address that may hold a token.
    else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  await app.register(websocket, {
    options: {
      server: upgrades as Server,
      ...WEBSOCKET_BOUNDS,
      maxPayload: config.limits.frameInBytes,
      handleProtocols: offered => chooseSubprotocol(offered, dialectNames) ?? false
    } as NonNullable<websocket.WebsocketPluginOptions['options']>,
    preClose: function (done) {
      streams.close()
      void Promise.all([socket.drain(), packets.close()]).finally(() => this.websocketServer.close(() => done()))
    }
  })
}

/** Slashes that are doubled, or last, do not count, as in other paths. */
function isSocketPath(url = ''): boolean {
  const [path = ''] = url.split('?', 1)
  return path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '') === SOCKET_PATH
}
