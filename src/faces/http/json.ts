import type { FastifyInstance } from 'fastify'
import { AppError } from '../../errors.ts'

/**
 * Takes JSON bodies as they are written: what is not UTF-8 is refused, and not repaired into another text.
 * `isEmptyAllowed`: no body at all counts as an object without fields, whatever its type says.
 */
export function readJsonBodies(app: FastifyInstance, { isEmptyAllowed = false } = {}): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (isEmptyAllowed && body.length === 0) return done(null, {})
    let text: string
    try {
      text = utf8.decode(body as Buffer)
    } catch (cause) {
      return done(new AppError('bad_frame', 'The body is not valid UTF-8', { cause }))
    }
    void parse(request, text, done)
  })
}
