import type { FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'

/**
 * A page of another site must not use a person's browser to talk to this server. Apps outside a browser send no
 * Origin; in development every page may connect.
 * @throws {AppError} `forbidden`
 */
export function requireOrigin(
  { headers }: Pick<FastifyRequest, 'headers'>,
  { CORS_ORIGINS, NODE_ENV }: Pick<Config, 'CORS_ORIGINS' | 'NODE_ENV'>
): void {
  const { origin, host } = headers
  if (origin === undefined || NODE_ENV === 'development') return
  const isOwn = origin === `https://${host}` || origin === `http://${host}`
  if (!isOwn && !CORS_ORIGINS.includes(origin)) throw new AppError('forbidden', 'This Origin may not connect')
}
