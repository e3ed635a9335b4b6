import type { Static, TSchema } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply, RouteShorthandOptions } from 'fastify'
import type { Route } from '../../../protocol/routes/route.ts'
import type { Actor } from '../../actor.ts'

type Part<R extends Route, Name extends string> =
  R['schema'] extends Record<Name, infer Schema extends TSchema> ? Static<Schema> : undefined

type AnswerOf<Responses> = { [Status in keyof Responses]: Responses[Status] }[keyof Responses]

/** What a handler gets: the Fastify request with the types of its contract. `actor` is there unless it is public or optional. */
export interface Call<R extends Route> {
  readonly actor: R extends { isPublic: true } ? undefined : R extends { isOptional: true } ? Actor | null : Actor
  readonly params: Part<R, 'params'>
  readonly query: Part<R, 'querystring'>
  readonly body: Part<R, 'body'>
  readonly headers: Part<R, 'headers'> & { readonly 'user-agent'?: string }
  readonly ip: string
  readonly id: string
}

/** What a handler answers: one of the bodies of its contract; nothing where the contract says `null`. */
export type Answer<R extends Route> =
  AnswerOf<R['schema']['response']> extends infer Schema extends TSchema
    ? Static<Schema> extends null
      ? Promise<void>
      : Promise<Static<Schema>>
    : never

/** One route's work: a call of a service, and its answer. */
export type Handler<R extends Route> = (call: Call<R>, reply: FastifyReply) => Answer<R>

/**
 * Adds the route that a contract describes. The status is the contract's lowest unless the handler sets another.
 * `options` are Fastify's own, for hooks and `config`.
 */
export function register<const R extends Route>(
  app: FastifyInstance,
  contract: R,
  handler: Handler<R>,
  options: RouteShorthandOptions = {}
): void {
  const { method, url, isPublic = false, isOptional = false, schema } = contract
  const status = Math.min(...Object.keys(schema.response).map(Number))
  app.route({
    ...options,
    method,
    url,
    schema: { ...schema },
    config: { ...options.config, isPublic, isOptional },
    handler: async (request, reply) => await handler(request as unknown as Call<R>, reply.code(status))
  })
}
