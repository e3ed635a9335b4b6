import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { FormPart } from '../../../contract/route.ts'
import { AppError } from '../../../errors.ts'
import { allowLong, readRest } from './slow-bodies.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The parts of a form, of a route that takes one. @throws {AppError} `unsupported_media_type`, `bad_frame`, `too_large` */
    form(): AsyncIterable<FormPart>
  }
}

/** Bounds of a form: one file, a few short fields; the bytes of the file are bounded by who takes them. */
const BOUNDS = { files: 1, fields: 40, parts: 41, fieldNameSize: 100, fieldSize: 65_536, headerPairs: 20 }

/** Lets the routes of a scope take forms with files, by `form` of their requests. */
export async function takeForms(scope: FastifyInstance): Promise<void> {
  // A getter, so that handlers may take `form` out of the request.
  scope.decorateRequest('form', {
    getter() {
      return () => formOf(this)
    }
  })
  await scope.register(multipart, {
    limits: { ...BOUNDS, fileSize: Number.MAX_SAFE_INTEGER },
    throwFileSizeLimit: false
  })
}

/** The parts of a form, as they come; a file must be read before the next part. @throws {AppError} `unsupported_media_type`, `invalid` */
async function* formOf(request: FastifyRequest): AsyncGenerator<FormPart> {
  if (!request.isMultipart()) throw new AppError('unsupported_media_type', 'Send the file as multipart/form-data')
  // Nothing would ever come, nor tell of its end.
  if (request.raw.destroyed) throw new AppError('bad_frame', 'The request was given up')
  const isThere = allowLong(request.raw)
  try {
    for await (const part of request.parts()) {
      if (part.type === 'file') yield { name: part.fieldname, fileName: part.filename, bytes: part.file }
      else yield { name: part.fieldname, value: requireText(part.value) }
    }
    isThere()
  } catch (error) {
    throw error instanceof AppError ? error : refusalOf(error)
  } finally {
    readRest(request.raw)
  }
}

/** @throws {AppError} `invalid` for a field that says it is something else */
function requireText(value: unknown): string {
  if (typeof value !== 'string') throw new AppError('invalid', 'A field of the form must be text')
  return value
}

/** Turns what the parser finds wrong into an error in the words of this server. */
function refusalOf(error: unknown): unknown {
  const { code, message } = error as { readonly code?: string; readonly message?: string }
  if (code?.endsWith('_LIMIT')) return new AppError('too_large', 'The form has too many parts')
  const isBadForm = code?.startsWith('FST_') || /multipart|boundary|end of form|part/i.test(message ?? '')
  return isBadForm ? new AppError('bad_frame', 'The form cannot be read', { cause: error }) : error
}
