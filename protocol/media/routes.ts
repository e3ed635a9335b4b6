import { Type } from '@sinclair/typebox'
import { ConversationId, FileId, UserId } from '../ids.ts'
import { route } from '../route.ts'
import { closed } from '../schema.ts'
import { File, FileVariant } from './entities.ts'

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
