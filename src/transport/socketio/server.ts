import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Namespace, Server, type Socket } from 'socket.io'
import type { Config } from '../../config.ts'
import { AppError } from '../../errors.ts'
import type { Services } from '../../services/index.ts'
import { Arrivals } from '../arrivals.ts'
import type { Authenticator } from '../auth.ts'
import { CatchUp } from '../catch-up.ts'
import type { ConnectionCounts } from '../connection.ts'
import { type Greeter, reasonOf } from '../greeter.ts'
import type { Hub } from '../hub.ts'
import { isOriginAllowed, requireOrigin } from '../origin.ts'
import { asAppError, presentError } from '../rest/errors.ts'
import { type Vocabulary, VocabularyVoice } from '../vocabulary.ts'
import { SocketIoConnection } from './connection.ts'
import { PacketVoice } from './packet-voice.ts'
import { PacketSession } from './session.ts'

/** What a namespace is called where the documents give it another name than the vocabulary. */
const NAMESPACES: Readonly<Record<string, string>> = { app: 'taatom' }

interface Parts {
  readonly services: Services
  readonly authenticator: Authenticator
  readonly greeter: Greeter
  readonly hub: Hub
  readonly config: Pick<Config, 'limits' | 'timings' | 'CORS_ORIGINS' | 'NODE_ENV'>
  readonly vocabularies: ReadonlyMap<string, Vocabulary>
  readonly counts: ConnectionCounts
  readonly isDraining: () => boolean
  readonly onError: (error: unknown, type?: string) => void
}

/** The socket.io face: unmodified clients of version 2 to 4, by long-polling, WebSocket and the upgrade between them. */
export class SocketIoServer {
  /** Where it is; no other upgrade is its own. */
  static readonly path = '/socket.io/'
  readonly #parts: Parts
  readonly #io: Server
  readonly #catchUp: CatchUp
  readonly #clients = new Map<SocketIoConnection, PacketSession>()
  readonly #sweeper: NodeJS.Timeout
  /** Transports of version 2 whose client has named a namespace. */
  readonly #named = new WeakSet<Socket['conn']>()

  constructor(http: HttpServer, parts: Parts) {
    this.#parts = parts
    this.#catchUp = new CatchUp(parts.services)
    const { config } = parts
    const { heartbeatMs, heartbeatTimeoutMs, helloTimeoutMs, sweepMs } = config.timings
    this.#io = new Server({
      path: SocketIoServer.path,
      serveClient: false,
      allowEIO3: true,
      destroyUpgrade: false,
      pingInterval: heartbeatMs,
      // After a ping: together as long as on the raw socket.
      pingTimeout: heartbeatTimeoutMs - heartbeatMs,
      connectTimeout: helloTimeoutMs,
      maxHttpBufferSize: config.limits.frameInBytes,
      perMessageDeflate: false,
      httpCompression: false,
      cors: { origin: config.NODE_ENV === 'development' ? true : [...config.CORS_ORIGINS], credentials: true },
      allowRequest: (request, answer) => answer(null, !parts.isDraining() && isOriginAllowed(request, config))
    })
    this.#serve('/')
    for (const name of parts.vocabularies.keys()) this.#serve(`/${name}`)
    for (const [name, vocabulary] of Object.entries(NAMESPACES)) {
      if (parts.vocabularies.has(vocabulary)) this.#serve(`/${name}`)
    }
    this.#io.attach(http)
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs).unref()
  }

  get connectionCount(): number {
    return this.#clients.size
  }

  /** Ends the transports, so that clients come back, elsewhere or later. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    // Not `close`, which would also close the HTTP server.
    await new Promise<void>(resolve => {
      this.#io.engine.close()
      setImmediate(resolve)
    })
  }

  #serve(namespace: string): void {
    const nsp = this.#io.of(namespace)
    const voices = new Map<Vocabulary, VocabularyVoice>()
    nsp.use((socket, next) => {
      this.#admit(nsp, voices, socket).then(
        () => next(),
        (error: unknown) => next(this.#refusal(error, socket))
      )
    })
    nsp.on('connection', socket => this.#open(socket))
  }

  async #admit(nsp: Namespace, voices: Map<Vocabulary, VocabularyVoice>, socket: Socket): Promise<void> {
    const { authenticator, services, hub, config, counts, onError } = this.#parts
    requireOrigin(socket.request, config)
    const actor = await authenticator.authenticate(tokenOf(socket))
    if (nsp.name !== '/') this.#named.add(socket.conn)
    const vocabulary = this.#vocabularyOf(nsp.name, socket)
    if (vocabulary === undefined && isLegacyRoot(socket)) return
    if (vocabulary === undefined) throw new AppError('invalid', 'There is no such dialect here')
    if (hub.countOf(actor.userId) >= config.limits.connectionsPerUser) {
      throw new AppError('quota_reached', `At most ${config.limits.connectionsPerUser} connections at once`)
    }
    const encoded = counts.encoded.of(vocabulary.name, 'socket.io')
    const voice = voices.get(vocabulary) ?? new VocabularyVoice(vocabulary, new PacketVoice(nsp, encoded), onError)
    voices.set(vocabulary, voice)
    const { receipts, sessions } = services
    const arrivals = (connection: SocketIoConnection) =>
      new Arrivals(async () => await connection.confirm(), {
        receipts,
        sessions,
        pauseMs: config.timings.receiptPauseMs,
        onError
      })
    socket.data = { connection: new SocketIoConnection(socket, { voice, actor, arrivals }), vocabulary }
  }

  /** From here on what the client says is heard; it is answered once it has caught up. */
  #open(socket: Socket): void {
    const { onError, config, services, hub } = this.#parts
    const { connection, vocabulary } = socket.data as Partial<Admitted>
    if (connection === undefined || vocabulary === undefined) return
    const ready = this.#isMeant(socket).then(async isMeant => {
      if (isMeant) await this.#enter(connection, vocabulary)
    })
    const { limits } = config
    const session = new PacketSession(connection, { commands: vocabulary.commands, limits, ready, onError })
    this.#clients.set(connection, session)
    socket.use(([name, ...args]) => session.receive(String(name), args))
    socket.on('disconnect', () => {
      this.#clients.delete(connection)
      connection.stop()
      hub.leave(connection, connection.actor.userId)
      services.presence.remove(connection.actor.userId, connection.id).catch(onError)
    })
    ready.catch((error: unknown) => {
      onError(error)
      connection.close(reasonOf(error))
    })
  }

  /**
   * Clients of version 2 are always connected to the main namespace first, also when they mean another one. Only when
   * they have not named another after a while do they enter the main one.
   */
  async #isMeant(socket: Socket): Promise<boolean> {
    if (!isLegacyRoot(socket)) return true
    await delay(this.#parts.config.timings.legacyNamespaceMs)
    return socket.connected && !this.#named.has(socket.conn)
  }

  async #enter(connection: SocketIoConnection, vocabulary: Vocabulary): Promise<void> {
    await this.#parts.greeter.admit(connection, connection.actor)
    const emit = connection.emit.bind(connection)
    connection.goLive(await this.#catchUp.run(connection.actor, vocabulary, emit))
  }

  #vocabularyOf(namespace: string, { handshake: { query, auth } }: Socket): Vocabulary | undefined {
    const inNamespace = namespace.slice(1)
    const named = auth['dialect'] ?? query['dialect']
    const name =
      (typeof named === 'string' ? named : undefined) ??
      (inNamespace === '' ? undefined : (NAMESPACES[inNamespace] ?? inNamespace)) ??
      (query['token'] === undefined ? 'unified' : 'reals2chat')
    return this.#parts.vocabularies.get(name)
  }

  /** What a client that is not let in is told; it does not come back by itself unless that may help. */
  #refusal(error: unknown, socket: Socket): Error {
    const { code, message, retry, retryAfterMs } = presentError(asAppError(error))
    if (!(error instanceof AppError)) this.#parts.onError(error)
    if (retry === 'later') setImmediate(() => socket.conn.close())
    return Object.assign(new Error(message), { data: { code, message, retryAfterMs } })
  }

  #sweep(): void {
    for (const connection of this.#clients.keys()) {
      if (connection.actor.expiresAt <= Date.now()) connection.close('auth_expired')
      else if (connection.isSlow) {
        this.#parts.counts.slow += 1
        connection.close('slow_consumer')
      }
    }
  }
}

/** What is known of a socket that was let in. */
interface Admitted {
  readonly connection: SocketIoConnection
  readonly vocabulary: Vocabulary
}

function isLegacyRoot({ conn, nsp }: Socket): boolean {
  return conn.protocol === 3 && nsp.name === '/'
}

/** The first of the places where the documents put a token. */
function tokenOf({ handshake: { auth, query, headers } }: Socket): string {
  const places = [auth['token'], query['token'], query['auth'], auth['auth'], bearer(headers)]
  const token = places.find((it): it is string => typeof it === 'string' && it !== '')
  if (token === undefined) throw new AppError('unauthenticated', 'A token is required')
  return token.replace(/^Bearer +/i, '')
}

function bearer({ authorization }: IncomingMessage['headers']): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
}
