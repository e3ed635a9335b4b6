import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { ConversationId, MessageId } from '../../../protocol/ids.ts'
import { Attachment, ClientId, content, MessageType } from '../../../protocol/messages/entities.ts'
import { PLAIN_TEXT } from '../../../protocol/schema.ts'

/** A field that the app leaves out or sets to null where it has nothing to say. */
export function maybe<S extends TSchema>(schema: S) {
  return Type.Optional(Type.Union([schema, Type.Null()]))
}

/** The same fields without those that are undefined or null. */
export function withoutNull<T extends object>(fields: T): { [name in keyof T]?: NonNullable<T[name]> } {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(there) as { [name in keyof T]?: NonNullable<T[name]> }
}

const { type, url, thumbnailUrl, fileName, fileSize, mimeType, durationSeconds, width, height } = Attachment.properties

const Sent = Type.Object({
  type,
  url,
  thumbnailUrl: maybe(thumbnailUrl),
  fileName: maybe(fileName),
  fileSize: maybe(fileSize),
  mimeType: maybe(mimeType),
  duration: maybe(durationSeconds),
  width: maybe(width),
  height: maybe(height)
})

/** A message as the app sends it. */
export const Send = Type.Object({
  conversationId: ConversationId,
  type: maybe(MessageType),
  content: maybe(Type.String({ maxLength: 16_384, pattern: PLAIN_TEXT })),
  attachments: maybe(Type.Array(Sent, { maxItems: 10 })),
  replyTo: maybe(MessageId),
  encryptedContent: maybe(content.encryptedContent),
  metadata: maybe(content.metadata),
  clientId: maybe(ClientId)
})

/** A message as the app sends it, in canonical words. */
export function contentOf({ content: text, attachments, ...rest }: Omit<Static<typeof Send>, 'conversationId'>) {
  const files = attachments?.map(attachmentOf) ?? []
  const { type = files[0]?.type, replyTo, encryptedContent, metadata, clientId } = withoutNull(rest)
  return withoutNull({
    ...{ type, replyTo, encryptedContent, metadata, clientId },
    text: text === '' ? undefined : text,
    attachments: files.length === 0 ? undefined : files
  })
}

function attachmentOf({ type, url, duration, ...rest }: Static<typeof Sent>): Attachment {
  const { thumbnailUrl, fileName, fileSize, mimeType, width, height } = rest
  const about = { thumbnailUrl, fileName, fileSize, mimeType, durationSeconds: duration, width, height }
  return { type, url, ...withoutNull(about) }
}
