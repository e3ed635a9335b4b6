import type { IncomingMessage } from 'node:http'
import type { Config } from '../config/config.ts'
import { AppError } from '../errors.ts'

type OriginRules = Pick<Config, 'CORS_ORIGINS' | 'NODE_ENV'>

/**
 * A page of another site must not use a person's browser to talk to this server. Apps outside a browser send no
 * Origin; in development every page may connect.
 * @throws {AppError} `forbidden`
 */
export function requireOrigin(request: Pick<IncomingMessage, 'headers'>, config: OriginRules): void {
  if (!isOriginAllowed(request, config)) throw new AppError('forbidden', 'This Origin may not connect')
}

/** Whether pages of every site may connect. */
export function isOpenToAll({ CORS_ORIGINS, NODE_ENV }: OriginRules): boolean {
  return NODE_ENV === 'development' || CORS_ORIGINS.includes('*')
}

/** Whether who asks is no page of another site. */
export function isOriginAllowed(
  { headers: { origin, host } }: Pick<IncomingMessage, 'headers'>,
  config: OriginRules
): boolean {
  if (origin === undefined || isOpenToAll(config)) return true
  return origin === `https://${host}` || origin === `http://${host}` || config.CORS_ORIGINS.includes(origin)
}
