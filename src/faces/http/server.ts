import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import { CURSORS_FRAME_BYTES } from '../../../protocol/limits.ts'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import { loggerOptions } from '../../log.ts'
import type { Drain } from '../../realtime/drain.ts'
import { Origins } from '../../realtime/origins.ts'
import type { LazySocketIoServer } from '../socketio/lazy-server.ts'
import { SOCKET_IO_PATH } from '../socketio/path.ts'
import type { StreamServer } from '../sse/server.ts'
import { refuseHandshakes, WEBSOCKET_BOUNDS } from '../ws/engine.ts'
import type { SocketServer } from '../ws/server.ts'
import { chooseSubprotocol } from '../ws/subprotocol.ts'
import { isToWebSocket, passOver } from '../ws/upgrade.ts'
import { readJsonBodies } from './bodies/json.ts'
import { endSlowBodies } from './bodies/slow-bodies.ts'
import { refuseWhenOver } from './closing.ts'
import { answerPages } from './cors.ts'
import { type AvailabilityPort, answerError, answerErrors, answerUnreadable, endWith } from './errors.ts'
import { markLocalRequests } from './local.ts'
import { watchProxies } from './proxies.ts'
import { countRequests } from './request-counts.ts'
import { RouteTable } from './route-table.ts'
import { noCompilers, validateRequests } from './validation.ts'

const BODY_BYTES = 131_072
const SOCKET_PATH = '/ws'

/** An HTTP server that answers errors, checks requests and reads JSON, and has no routes yet. */
export function createServer(config: Config, availability: AvailabilityPort): FastifyInstance {
  const routes = new RouteTable()
  const app = Fastify({
    logger: loggerOptions(config),
    logController: new LogController({ disableRequestLogging: !['debug', 'trace'].includes(config.LOG_LEVEL) }),
    bodyLimit: BODY_BYTES,
    schemaController: noCompilers,
    routerOptions: { maxParamLength: 16_384, ignoreDuplicateSlashes: true, ignoreTrailingSlash: true },
    trustProxy: config.TRUST_PROXY.length > 0 ? config.TRUST_PROXY : false,
    // The first must be the smaller: Node would swap them, and a slow body would not be cut.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000, requireHostHeader: false },
    keepAliveTimeout: config.timings.keepAliveMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) =>
      void answerError(error, request, reply, routes.presenterAt(request.method, request.url)),
    clientErrorHandler: answerUnreadable
  })
  // Nothing here is a page or a program, whatever a browser makes of it.
  app.addHook('onSend', async (_, reply) => void reply.header('x-content-type-options', 'nosniff'))
  endSlowBodies(app.server)
  readWhatHttpAllows(app)
  watchProxies(app, config.TRUST_PROXY)
  app.decorate('origins', new Origins({ config, hostsOf: request => app.proxies.hostsOf(request) }))
  markLocalRequests(app)
  countRequests(app)
  answerErrors(app, availability, routes)
  validateRequests(app)
  readJsonBodies(app)
  return app
}

/** Answers in the form of every other error, or as ever, what Node would answer without a body. */
function readWhatHttpAllows(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw: { httpVersion, headers } }) => {
    if (httpVersion === '1.1' && headers.host === undefined) throw new AppError('bad_frame', 'There is no Host')
  })
  // What is expected of a server, and not known, may be passed over (RFC 9110, 10.1.1).
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
}

interface UpgradeDeps {
  config: Config
  drain: Drain
  socket: SocketServer
  packets: LazySocketIoServer
  streams: StreamServer
  dialectNames: readonly string[]
}

/** Lets sockets and socket.io clients in, and sends everybody away when the server closes. */
export async function acceptUpgrades(
  app: FastifyInstance,
  { dialectNames, config, ...deps }: UpgradeDeps
): Promise<void> {
  await answerPages(app)
  // After the headers by which a page may read the refusal.
  refuseWhenOver(app, deps.drain)
  const upgrades = new EventEmitter()
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (!isToWebSocket(request)) passOver(app.server, request, socket, head)
    else if (request.url?.startsWith(SOCKET_IO_PATH)) deps.packets.upgrade(request, socket, head)
    else if (isSocketPath(request.url)) upgrades.emit('upgrade', request, socket, head)
    // Nothing is upgraded elsewhere, and nothing is logged of an address that may hold a token.
    else endWith(socket, new AppError('not_found', 'There is no WebSocket at this path'))
  })
  await app.register(websocket, {
    options: {
      server: upgrades as Server,
      ...WEBSOCKET_BOUNDS,
      maxPayload: Math.max(config.limits.frameInBytes, CURSORS_FRAME_BYTES),
      handleProtocols: offered => chooseSubprotocol(offered, dialectNames) ?? false
    } as NonNullable<websocket.WebsocketPluginOptions['options']>,
    preClose: function (done) {
      app.log.info({ connections: deps.socket.connections }, 'Stopping: connections are sent elsewhere')
      void sendAway(deps).finally(() => this.websocketServer.close(() => done()))
    }
  })
  refuseHandshakes(app.websocketServer)
}

/** Ends all connections: those of sockets in their slots, then streams, whose clients give up at the first error that they meet. */
async function sendAway({
  drain,
  socket,
  packets,
  streams
}: Omit<UpgradeDeps, 'config' | 'dialectNames'>): Promise<void> {
  drain.begin(socket.count + packets.count)
  await Promise.all([socket.drain(), packets.drain()])
  drain.end()
  streams.close()
}

/** Slashes that are doubled, or last, do not count, as in other paths. */
function isSocketPath(url = ''): boolean {
  const [path = ''] = url.split('?', 1)
  return path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '') === SOCKET_PATH
}
