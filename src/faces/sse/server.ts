import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import type { Availability } from '../../database/availability.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { ConnectionCounts, Encoder } from '../../realtime/connection.ts'
import { readCredential } from '../../realtime/credential.ts'
import type { TrackDelivery } from '../../realtime/delivery/delivery-tracker.ts'
import type { MissedEvents } from '../../realtime/delivery/missed.ts'
import { deviceOf } from '../../realtime/device.ts'
import type { Drain } from '../../realtime/drain.ts'
import { DialectEncoder, type RealtimeDialect } from '../../realtime/encoding/dialect-encoder.ts'
import { closeReasonOf, type Lifecycle } from '../../realtime/lifecycle.ts'
import type { Origins } from '../../realtime/origins.ts'
import type { HeadsPort, ResumePort, TicketPort } from '../../realtime/ports.ts'
import type { ResumeToken } from '../../streams/positions.ts'
import { STREAM_HEADERS } from '../http/closing.ts'
import { StreamConnection } from './connection.ts'
import { SseEncoder, SseWriter } from './encoder.ts'
import { encodeFields } from './fields.ts'
import { encodePlace, readPlace } from './place.ts'
import { replaySince } from './replay.ts'

/** Interval at which the tokens of all streams are looked at, ms. */
const TOKENS_MS = 1_000

interface StreamServerDeps {
  readonly lifecycle: Lifecycle
  readonly drain: Drain
  readonly origins: Origins
  readonly missed: MissedEvents
  readonly headPoller: HeadsPort
  readonly trackDelivery: TrackDelivery
  readonly resumption: ResumePort
  readonly tickets: TicketPort
  readonly availability: Pick<Availability, 'require' | 'asRefusal'>
  readonly config: Pick<Config, 'timings' | 'WS_QUERY_TOKEN'>
  readonly dialects: readonly RealtimeDialect[]
  readonly counts: Pick<ConnectionCounts, 'encoded'>
  readonly onError: (error: unknown) => void
}

/** Encoding of streams of one kind; canonical without a dialect. */
interface Kind {
  readonly encoder: Encoder
  readonly dialect: RealtimeDialect | undefined
}

/** A stream that is opened, and the ticket if one opens it. */
interface Opening extends Kind {
  readonly ticket: string | undefined
}

/** Server-sent events: everything that the socket tells, in one direction, for clients that cannot open one. */
export class StreamServer {
  readonly #deps: StreamServerDeps
  readonly #canonical: Kind
  readonly #kinds = new Map<string, Kind>()
  readonly #streams = new Set<StreamConnection>()
  /** Streams of apps by whose they are: the session, or the token. */
  readonly #ofClient = new Map<string, Set<StreamConnection>>()
  /** Tickets that have opened streams which are open. */
  readonly #tickets = new Map<StreamConnection, string>()
  readonly #beat: NodeJS.Timeout
  readonly #tokens: NodeJS.Timeout
  readonly #keeper: NodeJS.Timeout

  constructor(deps: StreamServerDeps) {
    this.#deps = deps
    const { encoded } = deps.counts
    this.#canonical = { encoder: new SseEncoder(encoded.tally('canonical', 'stream')), dialect: undefined }
    for (const dialect of deps.dialects) {
      const writer = new SseWriter(encoded.tally(dialect.name, 'stream'))
      this.#kinds.set(dialect.name, { encoder: new DialectEncoder(dialect, writer, deps.onError), dialect })
    }
    // Proxies and browsers give up on what is silent.
    this.#beat = setInterval(() => this.#check(), deps.config.timings.streamBeatMs).unref()
    this.#tokens = setInterval(() => this.#checkTokens(), TOKENS_MS).unref()
    const keep = () => this.#keep([...this.#tickets.values()])
    this.#keeper = setInterval(keep, deps.config.timings.streamTicketMs / 2).unref()
  }

  /** Somebody asks for something: their streams are read. */
  prove(actor: Actor): void {
    for (const stream of this.#ofClient.get(clientOf(actor)) ?? []) stream.prove()
  }

  /** Ends every stream; clients come back elsewhere, or later, and continue. */
  close(): void {
    clearInterval(this.#beat)
    clearInterval(this.#tokens)
    clearInterval(this.#keeper)
    const { size } = this.#streams
    for (const stream of this.#streams) stream.sendAway(this.#deps.drain.retryMs(size))
  }

  /**
   * Answers a request with a stream, from where `Last-Event-ID` says.
   * @param dialect whose events are sent; canonical ones by default
   * @throws {AppError} `unauthenticated` and its like, `forbidden` for a foreign Origin, `quota_reached`, `busy`
   */
  async open(request: FastifyRequest, reply: FastifyReply, dialect = ''): Promise<void> {
    const { lifecycle, origins, config, resumption, drain, availability, onError } = this.#deps
    origins.require(request.raw)
    // Whoever asks for the head alone is no connection, and what they show is not used up.
    if (request.method === 'HEAD') return void reply.headers(STREAM_HEADERS).send()
    const query = request.query as Record<string, unknown>
    const credential = readCredential(request.headers, query, config.WS_QUERY_TOKEN)
    if (credential.token === undefined && credential.ticket === undefined) {
      throw new AppError('unauthenticated', 'Give a token in the Authorization header, or a ticket')
    }
    const { id, proof } = readPlace(request)
    const actor = await lifecycle.authenticate({ ...credential, stream: { proof } })
    // While an error can still be answered as one.
    await availability.require()
    const kind = this.#kinds.get(dialect) ?? this.#canonical
    // A canonical stream without an id begins now: before its head, so that who has that hears all that comes after.
    const token = resumption.parse(id) ?? (kind.dialect === undefined ? await resumption.now(actor) : undefined)
    const stream = this.#create(reply, actor, { ...kind, ticket: credential.ticket })
    // Nobody ends what was let in as the last ones were ended.
    if (drain.isOver) return stream.sendAway(drain.retryMs(0))
    try {
      await lifecycle.start(stream, {
        authenticate: async () => actor,
        catchUp: async () => await this.#catchUp(stream, kind, { token, deviceId: deviceIdOf(query) })
      })
    } catch (thrown) {
      const error = availability.asRefusal(thrown)
      if (!(error instanceof AppError)) onError(error)
      stream.close(closeReasonOf(error))
    }
  }

  /** Opens the stream; its client may have gone while it was authenticated. */
  #create(reply: FastifyReply, actor: Actor, { encoder, dialect, ticket }: Opening): StreamConnection {
    const { lifecycle, resumption, tickets, trackDelivery, headPoller, config } = this.#deps
    const proof = ticket === undefined ? undefined : tickets.proofOf(ticket)
    begin(reply, config.timings.streamRetryMs)
    const stream = new StreamConnection(reply.raw, {
      id: randomBytes(9).toString('base64url'),
      actor,
      encoder,
      encodeId: token => encodePlace(resumption.encode(token), proof),
      timings: config.timings,
      sentUpTo: () => headPoller.lookedAt,
      // Canonical clients say themselves what has arrived.
      trackDelivery: dialect === undefined ? undefined : trackDelivery
    })
    const leave = (): void => {
      this.#streams.delete(stream)
      this.#forget(stream)
      stream.stop()
      lifecycle.leave(stream)
    }
    this.#streams.add(stream)
    const client = clientOf(actor)
    this.#ofClient.set(client, (this.#ofClient.get(client) ?? new Set()).add(stream))
    if (ticket !== undefined) this.#tickets.set(stream, ticket)
    lifecycle.open(stream)
    if (reply.raw.destroyed) leave()
    else reply.raw.once('close', leave)
    return stream
  }

  /** Sends what was missed, since the client's last event or, without one, since what has arrived at its device. */
  async #catchUp(
    stream: StreamConnection,
    { dialect }: Kind,
    { token, deviceId }: { token: ResumeToken | undefined; deviceId: string | undefined }
  ): Promise<void> {
    const { resumption, missed } = this.#deps
    if (token !== undefined) stream.resumeFrom(token)
    const { actor, tracker, catchUp } = stream
    if (dialect === undefined && token !== undefined) await replaySince(stream, token, resumption)
    if (dialect === undefined || tracker === undefined) return
    await missed.replay(
      actor,
      { dialect, ...deviceOf(actor, deviceId), ...omitUndefined({ token }) },
      {
        connection: stream,
        catchUp,
        tracker,
        emit: ({ name, data }, outbound) => stream.sendNow(outbound, encodeFields(name, data)),
        reach: (id, rev) => stream.reach(id, rev)
      }
    )
  }

  /** Forget a stream that was cut; its ticket continues it for a while. */
  #forget(stream: StreamConnection): void {
    const client = clientOf(stream.actor)
    const streams = this.#ofClient.get(client)
    if (streams?.delete(stream) === true && streams.size === 0) this.#ofClient.delete(client)
    const ticket = this.#tickets.get(stream)
    if (this.#tickets.delete(stream) && ticket !== undefined) this.#keep([ticket])
  }

  #keep(tickets: readonly string[]): void {
    this.#deps.tickets.keep(tickets).catch(this.#deps.onError)
  }

  #check(): void {
    const now = performance.now()
    for (const stream of this.#streams) stream.check(now)
  }

  #checkTokens(): void {
    for (const stream of this.#streams) stream.checkToken()
  }
}

function clientOf({ sessionId, tokenId = '' }: Actor): string {
  return sessionId ?? tokenId
}

/** Name that a client gives its device. */
function deviceIdOf({ deviceId }: Record<string, unknown>): string | undefined {
  return typeof deviceId === 'string' && deviceId !== '' ? deviceId : undefined
}

/** Turn the answer into a stream, which no proxy may hold back. */
function begin(reply: FastifyReply, retryMs: number): void {
  reply.hijack()
  if (reply.raw.destroyed) return
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  // Nothing is asked on its connection again, which so ends with it.
  reply.raw.writeHead(200, { ...STREAM_HEADERS, connection: 'close' })
  reply.raw.write(`retry: ${retryMs}\n\n`)
}
