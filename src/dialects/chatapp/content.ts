import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, MessageId, UserId } from '../../../protocol/ids.ts'
import { Attachment, ClientId, Location, MessageType } from '../../../protocol/messages/entities.ts'
import type { Actor } from '../../actor.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { type Content, sendMessage, sendToPerson } from '../kit/sending.ts'
import type { Services } from '../kit/services.ts'

const { url, thumbnailUrl, mimeType, fileSize, durationSeconds, fileName, width, height } = Attachment.properties

/** A file of a message. */
export const Media = Type.Object({
  url,
  thumbnail: thumbnailUrl,
  mimeType,
  size: fileSize,
  duration: durationSeconds,
  fileName,
  width,
  height
})

/** A message as the document’s app sends it: into a conversation, or to a person. */
export const NewMessage = Type.Object({
  conversationId: Type.Optional(ConversationId),
  to: Type.Optional(UserId),
  text: Type.Optional(Type.String({ maxLength: 16_384 })),
  type: Type.Optional(MessageType),
  media: Type.Optional(Media),
  location: Type.Optional(Type.Object(Location.properties)),
  replyTo: Type.Optional(MessageId),
  clientId: Type.Optional(ClientId)
})

type NewMessage = Static<typeof NewMessage>

/** Sends it. @throws {AppError} `invalid` without a place, and what sending throws */
export async function send(services: Services, actor: Actor, input: NewMessage) {
  const { conversationId, to } = input
  if (conversationId !== undefined) return await sendMessage(services, actor, conversationId, contentOf(input))
  if (to !== undefined) return await sendToPerson(services, actor, to, contentOf(input))
  throw new AppError('invalid', 'Give conversationId or to')
}

function contentOf({ text, media, location, replyTo, clientId, ...input }: NewMessage): Content {
  const type = input.type ?? (media && mediaType(media)) ?? (location && 'location')
  return {
    ...omitUndefined({
      type,
      text: text === '' ? undefined : text,
      attachments: media && [attachmentOf(media, type)],
      location,
      replyTo,
      clientId
    })
  }
}

type Media = Static<typeof Media>
const KINDS = ['image', 'video', 'audio', 'file'] as const

function mediaType({ mimeType: kind = '' }: Media): (typeof KINDS)[number] {
  return KINDS.find(it => kind.startsWith(`${it}/`)) ?? 'file'
}

function attachmentOf(media: Media, type: string | undefined): Attachment {
  const { thumbnail, size, duration, ...rest } = media
  return {
    ...rest,
    type: KINDS.find(it => it === type) ?? mediaType(media),
    ...omitUndefined({ thumbnailUrl: thumbnail, fileSize: size, durationSeconds: duration })
  }
}
