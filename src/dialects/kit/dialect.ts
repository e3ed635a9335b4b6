import type { Static, TSchema, TUnknown } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import type { Authenticator } from '../../accounts/index.ts'
import type { Actor } from '../../actor.ts'
import type { Config, DialectName } from '../../config/config.ts'
import type { CountedBy, FormPart } from '../../contract/route.ts'
import type { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { RealtimeDialect } from '../../realtime/encoding/dialect-encoder.ts'
import { sendHeaders } from './idempotency-key.ts'
import { orNulls } from './nulls.ts'
import type { Services } from './services.ts'

/** Request as its handler sees it. */
export interface Call<Params, Query, Body> {
  readonly actor: Actor
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly ip: string
  /** True for a request from this machine, through no proxy. */
  readonly isLocal: boolean
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The parts of a form, of a route that takes one. */
  form(): AsyncIterable<FormPart>
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Route as a document names it. */
export interface DialectRoute {
  readonly method: Method
  readonly url: string
  readonly summary: string
  readonly schema: {
    readonly params?: TSchema
    readonly querystring?: TSchema
    readonly headers?: TSchema
    readonly body?: TSchema
  }
  /** Fields of a form with files. */
  readonly form: TSchema | undefined
  readonly isPublic: boolean
  readonly isProvedByBody: boolean
  readonly countedBy: CountedBy | undefined
  /** Answers with server-sent events. */
  readonly isStream: boolean
  /** A GET that makes or marks something: HEAD, which must not, is refused. */
  readonly isChanging: boolean
  readonly status: number
  readonly otherStatus: number | undefined
  /** Schema of the body that grants; none of a stream. */
  readonly answer: TSchema | undefined
  readonly bodyLimit: number | undefined
  /** Of a route that first reads and then presents. */
  readonly reading?: Reading
  /** @returns the whole body */
  handle(call: Call<unknown, unknown, unknown>, reply: FastifyReply): Promise<unknown>
}

type Reader = (services: Services, call: never) => Promise<unknown>

/** Reader and presentation of a route: documents with the same reader show the same reading. */
interface Reading {
  readonly reader: Reader
  read(call: Call<unknown, unknown, unknown>): Promise<unknown>
  /** May look up what belongs to the data, and not the data anew. */
  present(data: unknown, call: Call<unknown, unknown, unknown>): Promise<unknown>
}

interface RouteDeps<P extends TSchema, Q extends TSchema, B extends TSchema> {
  readonly summary: string
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  /** Fields of a body that is a form with files. */
  readonly form?: TSchema
  /** Sends the message that is its body, which takes its `clientId` from the header `Idempotency-Key` where it has none. */
  readonly isSend?: boolean
  /** Needs no token; then the actor must not be asked for. */
  readonly isPublic?: boolean
  /** Public, and counted by what its body proves. */
  readonly isProvedByBody?: boolean
  readonly countedBy?: CountedBy
  /** Answers with server-sent events; the caller is authenticated there. */
  readonly isStream?: boolean
  /** Whether a GET makes or marks something. */
  readonly isChanging?: boolean
  /** Schema of the body that grants. Documents show it as open: later versions may add fields. */
  readonly answer?: TSchema
  /** Of what is granted; 200 by default. */
  readonly status?: number
  /** The other one that the handler may set, for what was there already or is new. */
  readonly otherStatus?: number
  readonly bodyLimit?: number
}

/** Declares a route: `GET /users/:id`, what it takes, and what it answers. Fields that are not named are ignored. */
export function dialectRoute<P extends TSchema = TUnknown, Q extends TSchema = TUnknown, B extends TSchema = TUnknown>(
  place: `${Method} /${string}`,
  {
    summary,
    params,
    query,
    body,
    form,
    isSend = false,
    isStream = false,
    isChanging = false,
    isPublic = isStream,
    isProvedByBody = false,
    countedBy,
    answer,
    status = 200,
    otherStatus,
    bodyLimit
  }: RouteDeps<P, Q, B>,
  handle: (call: Call<Static<P>, Static<Q>, Static<B>>, reply: FastifyReply) => Promise<unknown>
): DialectRoute {
  const [method, url] = place.split(' ') as [Method, string]
  const schema = {
    ...omitUndefined({ params, querystring: query }),
    ...(body && { body: orNulls(body) }),
    ...(isSend && { headers: sendHeaders })
  }
  const access = { isPublic, isProvedByBody, countedBy }
  const options = { ...access, summary, schema, form, isStream, isChanging, answer, status, otherStatus, bodyLimit }
  return { method, url, ...options, handle: handle as DialectRoute['handle'] }
}

interface ReadingDeps<C, D> {
  readonly services: Services
  readonly read: (services: Services, call: C) => Promise<D>
  readonly present: (data: D, call: C) => unknown
}

/** Declares a route that several documents name: where they share it, one reading is presented by each of them. */
export function readingRoute<D, P extends TSchema = TUnknown, Q extends TSchema = TUnknown>(
  place: `GET /${string}`,
  deps: RouteDeps<P, Q, TUnknown>,
  { services, read, present }: ReadingDeps<Call<Static<P>, Static<Q>, unknown>, D>
): DialectRoute {
  const route = dialectRoute(place, deps, async call => await present(await read(services, call), call))
  const reading = {
    reader: read,
    read: async (call: Parameters<typeof read>[1]) => await read(services, call),
    present: async (data: D, call: Parameters<typeof read>[1]) => await present(data, call)
  }
  return { ...route, reading: reading as unknown as Reading }
}

/** API of one kind of app: the words of its document, mapped onto the services and nothing more. */
export interface Dialect {
  readonly name: DialectName
  readonly routes: readonly DialectRoute[]
  readonly realtime: RealtimeDialect
  /** Schemas that have names in its document. */
  readonly answers: Readonly<Record<string, TSchema>>
  /** Schemas of what its clients are told, by the name of the event. */
  readonly eventSchemas: Readonly<Record<string, TSchema>>
  /** The body of a refusal; the status is the canonical one. */
  presentError(error: AppError): Record<string, unknown>
}

/** Dependencies of a dialect. */
export interface DialectDeps {
  readonly services: Services
  readonly authenticator: Authenticator
  readonly config: Config
  /** Answers with server-sent events in the words of a dialect; the caller is authenticated there. */
  readonly openStream: (reply: FastifyReply, dialect: DialectName) => Promise<void>
}
