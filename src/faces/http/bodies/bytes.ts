import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError } from '../../../errors.ts'
import { allowLong, readRest } from './slow-bodies.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The body of a route that takes bytes; nothing where none of that type comes. @throws {AppError} `bad_frame` */
    bytes(): Readable | undefined
  }
}

/** Lets the routes of a scope take bodies of these types as bytes, by `bytes` of their requests. */
export function takeBytes(scope: FastifyInstance, types: readonly string[]): void {
  // Left for the handler to read.
  for (const type of new Set(types)) scope.addContentTypeParser(type, (_request, _payload, done) => done(null))
  // A getter, so that handlers may take `bytes` out of the request.
  scope.decorateRequest('bytes', {
    getter() {
      return () => bytesOf(this, types)
    }
  })
  scope.addHook('onSend', async ({ raw }) => readRest(raw))
}

function bytesOf({ raw, headers }: FastifyRequest, types: readonly string[]): Readable | undefined {
  if (!types.includes(headers['content-type'] ?? '')) return undefined
  // Nothing would ever come, nor tell of its end.
  if (raw.destroyed) throw new AppError('bad_frame', 'The request was given up')
  const isThere = allowLong(raw)
  raw.once('end', isThere)
  return raw
}
