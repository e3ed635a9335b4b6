import type { Readable } from 'node:stream'
import type { Static, TSchema } from '@sinclair/typebox'
import type { Route } from '../../protocol/route.ts'
import type { Actor } from '../actor.ts'

type Part<R extends Route, Name extends string> =
  R['schema'] extends Record<Name, infer Schema extends TSchema> ? Static<Schema> : undefined

type AnswerOf<Responses> = { [Status in keyof Responses]: Responses[Status] }[keyof Responses]

/** A part of a form: a field, or a file whose bytes are read before the next part. */
export type FormPart =
  | { readonly name: string; readonly value: string; readonly bytes?: undefined }
  | { readonly name: string; readonly fileName: string; readonly bytes: Readable }

/** The request of a handler, with the types of its contract. `actor` is there unless the route is public or optional. */
export interface Call<R extends Route> {
  readonly actor: R extends { isPublic: true } ? undefined : R extends { isOptional: true } ? Actor | null : Actor
  readonly params: Part<R, 'params'>
  readonly query: Part<R, 'querystring'>
  readonly body: Part<R, 'body'>
  readonly headers: Part<R, 'headers'> & { readonly 'user-agent'?: string }
  readonly ip: string
  /** True for a request from this machine, through no proxy. */
  readonly isLocal: boolean
  readonly id: string
  readonly method: string
  /** The parts of a form, of a route that takes one. @throws {AppError} `unsupported_media_type`, `bad_frame`, `too_large` */
  form(): AsyncIterable<FormPart>
  /** The body of a route that takes bytes; nothing where none of that type comes. @throws {AppError} `bad_frame` */
  bytes(): Readable | undefined
}

/** The reply of a handler, as far as a handler may change it. */
export interface Reply {
  code(status: number): Reply
  type(mediaType: string): Reply
  headers(values: Record<string, string>): Reply
}

/**
 * The answer of a handler: one of the bodies of its contract, where that is text also as its bytes or a stream of them;
 * nothing where the contract says `null`.
 */
export type Answer<R extends Route> = Promise<Body<AnswerOf<R['schema']['response']>>>

type Body<Schema> = Schema extends TSchema
  ? Static<Schema> extends null
    ? // biome-ignore lint/suspicious/noConfusingVoidType: a handler answers nothing
      void
    : Static<Schema> extends string
      ? string | Buffer | Readable
      : Static<Schema>
  : never

/**
 * Key that a request is counted by where no token says whose it is: a code that it knows; nothing for what
 * somebody has made up, which is counted by network. The request has not been validated.
 */
export type CountedBy = (request: { readonly params: unknown; readonly body: unknown }) => string | undefined

/** A route of the contract with its handler, as a face serves it. */
export interface BoundRoute {
  readonly contract: Route
  readonly bodyLimit?: number
  readonly countedBy?: CountedBy
  handle(call: Call<Route>, reply: Reply): Promise<unknown>
}

/**
 * Binds a route of the contract to a call of its subject. The status is the contract's lowest unless the handler sets
 * another.
 */
export function route<const R extends Route>(
  contract: R,
  handle: (call: Call<R>, reply: Reply) => Answer<R>,
  options: Pick<BoundRoute, 'bodyLimit' | 'countedBy'> = {}
): BoundRoute {
  return { ...options, contract, handle: handle as BoundRoute['handle'] }
}
