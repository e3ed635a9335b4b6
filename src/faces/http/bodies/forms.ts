import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { FormPart } from '../../../contract/route.ts'
import { AppError } from '../../../errors.ts'

/** Bounds of a form: one file, a few short fields; the bytes of the file are bounded by who takes them. */
const BOUNDS = { files: 1, fields: 40, parts: 41, fieldNameSize: 100, fieldSize: 65_536, headerPairs: 20 }
/** Time that an upload may take, ms. */
const UPLOAD_MS = 3_600_000

/** Lets the routes of a scope take forms with files. */
export async function takeForms(scope: FastifyInstance): Promise<void> {
  await scope.register(multipart, {
    limits: { ...BOUNDS, fileSize: Number.MAX_SAFE_INTEGER },
    throwFileSizeLimit: false
  })
}

/** The parts of a form, as they come; a file must be read before the next part. @throws {AppError} `unsupported_media_type`, `invalid` */
export async function* formOf(request: FastifyRequest): AsyncGenerator<FormPart> {
  if (!request.isMultipart()) throw new AppError('unsupported_media_type', 'Send the file as multipart/form-data')
  // A slow line takes longer than any other request may.
  request.raw.setTimeout?.(UPLOAD_MS)
  try {
    for await (const part of request.parts()) {
      if (part.type === 'file') yield { name: part.fieldname, fileName: part.filename, bytes: part.file }
      else yield { name: part.fieldname, value: String(part.value) }
    }
  } catch (error) {
    throw error instanceof AppError ? error : refusalOf(error)
  }
}

/** What the parser finds wrong, in the words of this server. */
function refusalOf(error: unknown): unknown {
  const { code, message } = error as { readonly code?: string; readonly message?: string }
  if (code?.endsWith('_LIMIT')) return new AppError('too_large', 'The form has too many parts')
  const isBadForm = code?.startsWith('FST_') || /multipart|boundary|end of form|part/i.test(message ?? '')
  return isBadForm ? new AppError('bad_frame', 'The form cannot be read', { cause: error }) : error
}
