import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Message } from '../../../protocol/entities/message.ts'
import { bareId } from '../../../protocol/ids.ts'
import type { Config } from '../../config.ts'
import { AppError } from '../../errors.ts'
import type { Actor, Bookmark, Services } from '../../services/index.ts'
import { Arrivals } from '../arrivals.ts'
import type { Authenticator } from '../auth.ts'
import { CatchUp } from '../catch-up.ts'
import type { ConnectionCounts, Told, Voice } from '../connection.ts'
import type { Greeter } from '../greeter.ts'
import type { Hub } from '../hub.ts'
import { requireOrigin } from '../origin.ts'
import { type Vocabulary, VocabularyVoice } from '../vocabulary.ts'
import { StreamConnection } from './connection.ts'
import { Resume } from './resume.ts'
import { encodeFields, StreamFraming, StreamVoice } from './stream-voice.ts'

interface Parts {
  readonly services: Services
  readonly authenticator: Authenticator
  readonly greeter: Greeter
  readonly hub: Hub
  readonly config: Pick<Config, 'limits' | 'timings' | 'CORS_ORIGINS' | 'NODE_ENV' | 'WS_QUERY_TOKEN'>
  readonly vocabularies: ReadonlyMap<string, Vocabulary>
  readonly counts: Pick<ConnectionCounts, 'encoded'>
  readonly onError: (error: unknown) => void
}

/** Server-sent events: everything that the socket tells, in one direction, for clients that cannot open one. */
export class StreamServer {
  readonly #parts: Parts
  readonly #canonical: StreamVoice
  readonly #voices = new Map<string, VocabularyVoice>()
  readonly #streams = new Set<StreamConnection>()
  readonly #catchUp: CatchUp
  readonly #beat: NodeJS.Timeout

  constructor(parts: Parts) {
    this.#parts = parts
    this.#catchUp = new CatchUp(parts.services)
    const { encoded } = parts.counts
    this.#canonical = new StreamVoice(encoded.of('canonical', 'stream'))
    for (const [name, vocabulary] of parts.vocabularies) {
      const framing = new StreamFraming(encoded.of(name, 'stream'))
      this.#voices.set(name, new VocabularyVoice(vocabulary, framing, parts.onError))
    }
    // Proxies and browsers give up on what is silent.
    this.#beat = setInterval(() => this.#look(), parts.config.timings.streamBeatMs).unref()
  }

  get connectionCount(): number {
    return this.#streams.size
  }

  /** Ends every stream; clients come back elsewhere, or later, and continue. */
  close(): void {
    clearInterval(this.#beat)
    for (const stream of this.#streams) stream.close('drain')
  }

  /**
   * Answers a request with a stream, from where `Last-Event-ID` says.
   * @param dialect whose words are spoken; canonical ones by default
   * @throws {AppError} `unauthenticated` and its like, `forbidden` for a foreign Origin, `quota_reached`
   */
  async open(request: FastifyRequest, reply: FastifyReply, dialect?: string): Promise<void> {
    const { greeter, hub, config, services, onError } = this.#parts
    requireOrigin(request, config)
    const actor = await this.#authenticate(request)
    if (hub.countOf(actor.userId) >= config.limits.connectionsPerUser) {
      throw new AppError('quota_reached', `At most ${config.limits.connectionsPerUser} connections at once`)
    }
    const bookmark = services.resumption.parse(lastIdOf(request))
    const voice = (dialect === undefined ? undefined : this.#voices.get(dialect)) ?? this.#canonical
    const stream = this.#create(reply, actor, voice)
    reply.raw.on('close', () => {
      this.#streams.delete(stream)
      stream.stop()
      hub.leave(stream, actor.userId)
      services.presence.remove(actor.userId, stream.id).catch(onError)
    })
    try {
      await greeter.admit(stream, actor)
      if (bookmark !== undefined) stream.place(bookmark)
      const wasSent = await this.#bringUp(stream, bookmark)
      const now = bookmark ?? (await services.resumption.now(actor))
      // Nothing may come between these: the place is named when all that came before it was sent.
      stream.goLive(wasSent)
      stream.place(now)
      const ready = { connectionId: stream.id, heartbeatMs: config.timings.streamBeatMs }
      stream.sendNow({ type: 'ready', data: {} }, encodeFields('ready', ready))
    } catch (error) {
      onError(error)
      stream.close('internal')
    }
  }

  #create(reply: FastifyReply, actor: Actor, voice: Voice): StreamConnection {
    const { services, config, onError } = this.#parts
    const { receiptPauseMs: pauseMs, streamRetryMs } = config.timings
    const id = randomBytes(9).toString('base64url')
    const encodeId = services.resumption.encode.bind(services.resumption)
    const { receipts, sessions } = services
    const arrivals = (connection: StreamConnection) =>
      new Arrivals(async () => await connection.confirm(), { receipts, sessions, pauseMs, onError })
    // Who speaks the canonical words says what has arrived.
    const marksItself = voice === this.#canonical
    begin(reply, streamRetryMs)
    const stream = new StreamConnection(reply.raw, {
      ...{ id, actor, voice, encodeId },
      arrivals: marksItself ? undefined : arrivals
    })
    this.#streams.add(stream)
    return stream
  }

  /** Sends what was missed. @returns whether an event was among it */
  async #bringUp(stream: StreamConnection, bookmark: Bookmark | undefined): Promise<(event: Told) => boolean> {
    const { services } = this.#parts
    const { voice, actor } = stream
    const vocabulary = voice instanceof VocabularyVoice ? voice.vocabulary : undefined
    if (bookmark !== undefined) {
      const sent = await new Resume(services, vocabulary).run(stream, bookmark)
      return ({ stream: place = '', rev }) => rev !== undefined && rev <= (sent.get(bareId(place)) ?? 0)
    }
    if (vocabulary === undefined) return () => false
    const emit = ({ name, data }: { name: string; data: unknown }, event: Told) =>
      stream.sendNow(event, encodeFields(name, data))
    const caughtUp = await this.#catchUp.run(actor, vocabulary, emit)
    return ({ type, data }) => {
      const { conversationId = '', seq = 0 } = data as Partial<Message>
      return type === 'message:new' && seq <= (caughtUp.get(conversationId) ?? 0)
    }
  }

  async #authenticate({ headers, query }: FastifyRequest): Promise<Actor> {
    const { authenticator, services, config } = this.#parts
    const { token, ticket } = query as { token?: unknown; ticket?: unknown }
    const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
    if (bearer !== undefined) return await authenticator.authenticate(bearer)
    if (typeof ticket === 'string') return await services.sessions.redeemTicket(ticket)
    if (typeof token === 'string' && config.WS_QUERY_TOKEN) return await authenticator.authenticate(token)
    throw new AppError('unauthenticated', 'Give a token in the Authorization header, or a ticket')
  }

  #look(): void {
    for (const stream of this.#streams) {
      if (stream.actor.expiresAt <= Date.now()) stream.close('auth_expired')
      else stream.beat()
    }
  }
}

function lastIdOf({ headers, query }: FastifyRequest): string {
  const { lastEventId } = query as { lastEventId?: unknown }
  const header = headers['last-event-id']
  if (typeof header === 'string') return header
  return typeof lastEventId === 'string' ? lastEventId : ''
}

/** From here on the answer is a stream, which no proxy may hold back. */
function begin(reply: FastifyReply, retryMs: number): void {
  reply.hijack()
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no'
  })
  reply.raw.write(`retry: ${retryMs}\n\n`)
}
