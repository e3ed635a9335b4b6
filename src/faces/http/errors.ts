import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS, type ErrorCode } from '../../../protocol/errors.ts'
import type { Availability } from '../../database/availability.ts'
import { AppError, presentError } from '../../errors.ts'
import { RouteTable } from './route-table.ts'

/** Of the database that an app asks. */
export type AvailabilityPort = Pick<Availability, 'require' | 'asRefusal'>

declare module 'fastify' {
  interface FastifyInstance {
    readonly availability: AvailabilityPort
  }
}

/** Errors of Fastify and its plugins, by their codes, then by their status. */
const BY_CODE: Record<string, readonly [ErrorCode, string]> = {
  FST_ERR_VALIDATION: ['invalid', 'The request does not have the right form'],
  FST_ERR_BAD_URL: ['invalid', 'The path is not a valid URL'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'There is nothing at this path'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['bad_frame', 'The body is not valid JSON'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['bad_frame', 'The body is empty, but its type is JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad_frame', 'The body is not as long as Content-Length says'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'The body must be application/json'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'The body is too large']
}
const BY_STATUS: Record<number, readonly [ErrorCode, string]> = {
  400: ['bad_frame', 'The request cannot be read'],
  404: ['not_found', 'There is nothing at this path'],
  408: ['timeout', 'The request took too long'],
  413: ['too_large', 'The body is too large'],
  415: ['unsupported_media_type', 'The body must be application/json'],
  429: ['rate_limited', 'Too many requests'],
  503: ['busy', 'The server is busy']
}

/** Errors of the parser of requests, by their codes; any other is `bad_frame`. */
const UNREADABLE: Record<string, readonly [ErrorCode, string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['timeout', 'The request took too long'],
  HPE_HEADER_OVERFLOW: ['head_too_large', 'The address and the headers are too large']
}

/** Convert an error for a client: never a word of a library, and nothing of what was not meant to be seen. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const { code = '', statusCode = 500 } = error as { code?: string; statusCode?: number }
  const [known, message] = BY_CODE[code] ?? BY_STATUS[statusCode] ?? ['internal', 'Something went wrong']
  return new AppError(known, message, { cause: error })
}

/**
 * Answers an error: the error handler of all routes, and Fastify's `frameworkErrors`. Its body is in the words of the
 * app that the route is for; status and headers are the same for all.
 */
export function answerError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  present = request.routeOptions.config?.presentError
): FastifyReply {
  const error = asAppError(request.server.availability.asRefusal(thrown, writingSince(request, reply)))
  if (error.code === 'internal') request.log.error({ err: thrown }, 'Request failed')
  request.refusal = error.code
  const { status } = ERRORS[error.code]
  if (status === 401) reply.header('www-authenticate', challenge(request))
  // The connection of an upgrade that is refused ends, and nothing may be asked on it again.
  if (request.headers.upgrade !== undefined) reply.header('connection', 'close')
  if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000))
  const body = present?.(error) ?? { error: { ...presentError(error), requestId: request.id } }
  return reply.code(status).type('application/json; charset=utf-8').serializer(JSON.stringify).send(body)
}

/** Begin of a request that may change something. */
function writingSince({ method }: FastifyRequest, { elapsedTime }: FastifyReply): number | undefined {
  return method === 'GET' || method === 'HEAD' ? undefined : performance.now() - elapsedTime
}

/** Answers what cannot be read as a request, whose path is not known, and ends the connection: Fastify's `clientErrorHandler`. */
export function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const [code, message] = UNREADABLE[error.code ?? ''] ?? ['bad_frame', 'The request cannot be read']
  endWith(socket, new AppError(code, message))
}

/** Answers by an error on a connection that no request has any more, and ends it. */
export function endWith(socket: Duplex, error: AppError, headers: readonly string[] = []): void {
  const { status } = ERRORS[error.code]
  const body = JSON.stringify({ error: presentError(error) })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...headers
  ]
  // Nobody else listens, and an error that nobody takes would end the process.
  socket.on('error', () => socket.destroy())
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.destroy()
}

/** Of an app that asks none. */
const NO_DATABASE: AvailabilityPort = { require: async () => undefined, asRefusal: error => error }

/** Sets the handlers for errors, unknown paths and wrong methods. Call it before the routes are added. */
export function answerErrors(app: FastifyInstance, availability = NO_DATABASE, routes = new RouteTable()): void {
  app.decorate('availability', availability)
  routes.watch(app)
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const allowed = routes.methodsAt(request.url)
    if (allowed.length === 0) throw new AppError('not_found', 'There is nothing at this path')
    reply.header('allow', allowed.join(', '))
    if (request.method === 'OPTIONS') return reply.code(204).send()
    throw new AppError('method_not_allowed', `This path takes ${allowed.join(', ')}`)
  })
}

/** A token that was sent and refused is told from one that was not sent (RFC 6750, 3). */
function challenge({ headers }: FastifyRequest): string {
  return headers.authorization === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
}
