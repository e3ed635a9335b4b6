import { Type } from '@sinclair/typebox'
import { ConversationId, FileId, UserId } from '../ids.ts'
import { route } from '../route.ts'
import { closed } from '../schema.ts'
import { File, FileVariant, Upload } from './entities.ts'

const tags = ['files']

export const UploadFile = route({
  method: 'POST',
  url: '/files',
  form: closed({ file: Type.String({ format: 'binary', description: 'The file, with its name.' }) }),
  schema: { summary: 'Upload a file, as multipart/form-data', tags, response: { 201: File } }
})

export const GetFile = route({
  method: 'GET',
  url: '/files/:fileId',
  schema: { summary: 'A file of one’s own', tags, params: closed({ fileId: FileId }), response: { 200: File } }
})

const bytes = Type.String({ contentMediaType: 'application/octet-stream' })

/** Proof in an address of whom the server gave it to. */
export const LinkQuery = {
  u: Type.Optional({ ...UserId, description: 'Person whom the address was given to.' }),
  c: Type.Optional({ ...ConversationId, description: 'Conversation whose members it was given to.' }),
  p: Type.Optional({ ...UserId, description: 'Person whose picture it is.' }),
  e: Type.Optional(Type.Integer({ minimum: 0, description: 'End, seconds since 1970.' })),
  s: Type.Optional(Type.String({ maxLength: 64, description: 'Signature.' }))
}

export const GetFileContent = route({
  method: 'GET',
  url: '/files/:fileId/:variant',
  isOptional: true,
  schema: {
    summary: 'The bytes of a file, whole or a range of them; for who has a token, or an address from the server',
    tags,
    params: closed({ fileId: FileId, variant: { ...FileVariant, examples: ['original' as const] } }),
    querystring: closed(LinkQuery),
    headers: Type.Object({
      range: Type.Optional(Type.String({ maxLength: 200 })),
      'if-none-match': Type.Optional(Type.String({ maxLength: 1_000 })),
      'if-range': Type.Optional(Type.String({ maxLength: 200 }))
    }),
    response: { 200: bytes, 206: bytes, 304: Type.Null(), 416: Type.Null() }
  }
})

/** Body of bytes of an upload that is continued. */
const BYTES = 'application/offset+octet-stream'
const wholeNumber = (description: string, example: string) =>
  Type.Optional(Type.String({ pattern: '^(0|[1-9][0-9]{0,17})$', description, examples: [example] }))
const version = {
  'tus-resumable': Type.Optional(Type.String({ maxLength: 20, description: 'Must be 1.0.0.', examples: ['1.0.0'] }))
}
const params = closed({ fileId: FileId })

export const BeginUpload = route({
  method: 'POST',
  url: '/uploads',
  bytes: BYTES,
  schema: {
    summary: 'Begin an upload that can be continued (tus 1.0), perhaps with its first bytes',
    tags,
    headers: Type.Object({
      ...version,
      'upload-length': wholeNumber('Bytes of the file.', '11'),
      'upload-metadata': Type.Optional(
        Type.String({ maxLength: 2_000, description: 'Of `filename` the value is read; in base64, as tus says.' })
      ),
      'upload-defer-length': Type.Optional(Type.String({ maxLength: 20, description: 'Refused.' })),
      'upload-concat': Type.Optional(Type.String({ maxLength: 2_000, description: 'Refused.' }))
    }),
    response: { 201: Type.Null() }
  }
})

export const GetUpload = route({
  method: 'GET',
  url: '/uploads/:fileId',
  schema: {
    summary: 'Where an upload goes on; HEAD, as clients of tus ask, has it in `Upload-Offset`',
    tags,
    params,
    headers: Type.Object(version),
    response: { 200: Upload }
  }
})

export const ContinueUpload = route({
  method: 'PATCH',
  url: '/uploads/:fileId',
  bytes: BYTES,
  schema: {
    summary: 'Continue an upload; once its last byte is there the answer is the file',
    tags,
    params,
    headers: Type.Object({
      ...version,
      'upload-offset': wholeNumber('Where it goes on: bytes that are there.', '0')
    }),
    response: { 200: File, 204: Type.Null() }
  }
})

export const EndUpload = route({
  method: 'DELETE',
  url: '/uploads/:fileId',
  schema: {
    summary: 'Give up an upload that is not finished',
    tags,
    params,
    headers: Type.Object(version),
    response: { 204: Type.Null() }
  }
})
