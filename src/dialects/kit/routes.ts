import type { FastifyInstance } from 'fastify'
import type { AppError } from '../../errors.ts'
import { answerErrorWith } from '../../faces/http/errors.ts'
import { readJsonBodies } from '../../faces/http/json.ts'
import { methodsOf } from '../../faces/http/methods.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Call, DialectRoute } from './dialect.ts'

/** Answers every refusal of a scope in the words of its app. */
export function answerErrorsAs(scope: FastifyInstance, present: (error: AppError) => object): void {
  scope.setErrorHandler((error, request, reply) => answerErrorWith(error, { request, reply, present }))
}

/** Adds routes to a scope. */
export function addRoutes(scope: FastifyInstance, routes: readonly DialectRoute[]): void {
  // Apps set the type on every request.
  readJsonBodies(scope, { isEmptyAllowed: true })
  for (const {
    method,
    url,
    schema,
    isPublic,
    isProvedByBody,
    isStream,
    countedBy,
    status,
    bodyLimit,
    handle
  } of routes) {
    scope.route({
      method: methodsOf(method),
      url,
      schema,
      config: { isPublic, isProvedByBody, isStream, ...omitUndefined({ countedBy }) },
      ...omitUndefined({ bodyLimit }),
      // Apps leave the body away where all of it is optional.
      preValidation: async request => {
        if (schema.body !== undefined) request.body ??= {}
      },
      handler: async (request, reply) =>
        await handle(request as unknown as Call<unknown, unknown, unknown>, reply.code(status))
    })
  }
}
