import { type Static, Type } from '@sinclair/typebox'
import { FileId } from '../ids.ts'
import { Url, Waveform } from '../messages/entities.ts'
import { closed, oneOf, Timestamp, withExamples } from '../schema.ts'

/** Kind of a file, by its content. */
export const FileKind = oneOf('image', 'video', 'audio', 'file')
export type FileKind = Static<typeof FileKind>

/** Form of a file: as it was sent, or smaller pictures of it, at most 1280 and 320 pixels wide and high. */
export const FileVariant = oneOf('original', 'preview', 'thumbnail')
export type FileVariant = Static<typeof FileVariant>

/**
 * A file that somebody has uploaded. Its addresses are for them alone and end after some days; an attachment whose
 * `url` is one of them brings the file into a message, whose readers get addresses of their own.
 */
export const File = withExamples(
  closed({
    id: FileId,
    type: FileKind,
    fileName: Type.String({ description: 'As it was sent, without folders and hidden characters.' }),
    fileSize: Type.Integer({ minimum: 0, description: 'Bytes of the original, as it is kept.' }),
    mimeType: Type.String({ description: 'By its content.' }),
    url: Url,
    previewUrl: Type.Optional(Url),
    thumbnailUrl: Type.Optional(Url),
    thumbhash: Type.Optional(Type.String({ description: 'A blurred picture in about 25 bytes (ThumbHash), base64.' })),
    width: Type.Optional(Type.Integer({ minimum: 1 })),
    height: Type.Optional(Type.Integer({ minimum: 1 })),
    durationSeconds: Type.Optional(Type.Number({ minimum: 0 })),
    waveform: Type.Optional({
      ...Waveform,
      description: 'Loudness over time, 100 numbers from 0 to 255: of a sound in Opus (Ogg, WebM) or of a WAV file.'
    }),
    createdAt: Timestamp
  }),
  {
    id: 'file_64b7f0c2a1d3e4f5a6b7c8d9',
    type: 'file',
    fileName: 'notes.txt',
    fileSize: 12,
    mimeType: 'text/plain',
    url: 'https://chat.example/v1/files/file_64b7f0c2a1d3e4f5a6b7c8d9/original',
    createdAt: '2026-11-21T09:30:00.000Z'
  }
)
export type File = Static<typeof File>

/** An upload that can be continued: how far it has come, and the file once that is kept. */
export const Upload = closed({
  id: { ...FileId, description: 'The file has the same.' },
  offset: Type.Integer({ minimum: 0, description: 'Bytes that are there.' }),
  length: Type.Integer({ minimum: 1, description: 'Bytes that were announced.' }),
  file: Type.Optional(File)
})
export type Upload = Static<typeof Upload>
