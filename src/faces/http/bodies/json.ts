import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError } from '../../../errors.ts'

/**
 * Takes JSON bodies as they are written: what is not UTF-8 is refused, and not repaired into another text.
 * `isEmptyAllowed`: no body at all counts as an object without fields, whatever its type says.
 */
export function readJsonBodies(app: FastifyInstance, { isEmptyAllowed = false } = {}): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0 && isEmptyAllowed) return done(null, {})
    // Some clients name the type of a body also where they send none.
    if (body.length === 0 && request.routeOptions.schema?.body === undefined) return done(null)
    try {
      void parse(request, textOf(request, body as Buffer), done)
    } catch (error) {
      done(error as AppError)
    }
  })
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws {AppError} `unsupported_media_type`, `bad_frame` */
function textOf({ headers }: FastifyRequest, body: Buffer): string {
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    throw new AppError('unsupported_media_type', 'The body may not be compressed')
  try {
    return UTF8.decode(body)
  } catch (cause) {
    throw new AppError('bad_frame', 'The body is not valid UTF-8', { cause })
  }
}
