import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, MessageId } from '../../../protocol/ids.ts'
import { Attachment, ClientId, content, MessageType } from '../../../protocol/messages/entities.ts'
import { PLAIN_TEXT } from '../../../protocol/schema.ts'
import { omitUndefined } from '../../omit-undefined.ts'

const { type, url, thumbnailUrl, fileName, fileSize, mimeType, durationSeconds, width, height } = Attachment.properties

const Sent = Type.Object({
  type,
  url,
  thumbnailUrl,
  fileName,
  fileSize,
  mimeType,
  duration: durationSeconds,
  width,
  height
})

/** A message as the app sends it. */
export const Send = Type.Object({
  conversationId: ConversationId,
  type: Type.Optional(MessageType),
  content: Type.Optional(Type.String({ maxLength: 16_384, pattern: PLAIN_TEXT })),
  attachments: Type.Optional(Type.Array(Sent, { maxItems: 10 })),
  replyTo: Type.Optional(MessageId),
  encryptedContent: content.encryptedContent,
  metadata: content.metadata,
  clientId: Type.Optional(ClientId)
})

/** A message as the app sends it, in canonical words. */
export function contentOf({ content: text, attachments, ...rest }: Omit<Static<typeof Send>, 'conversationId'>) {
  const files = attachments?.map(attachmentOf) ?? []
  const { type = files[0]?.type, replyTo, encryptedContent, metadata, clientId } = rest
  return omitUndefined({
    ...{ type, replyTo, encryptedContent, metadata, clientId },
    text: text === '' ? undefined : text,
    attachments: files.length === 0 ? undefined : files
  })
}

function attachmentOf({ type, url, duration, ...rest }: Static<typeof Sent>): Attachment {
  const { thumbnailUrl, fileName, fileSize, mimeType, width, height } = rest
  const about = { thumbnailUrl, fileName, fileSize, mimeType, durationSeconds: duration, width, height }
  return { type, url, ...omitUndefined(about) }
}
