import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, MessageId, UserId } from '../../../protocol/ids.ts'
import {
  ClientId,
  ContactCard,
  content,
  Location,
  MessageType,
  Attachment as Shape
} from '../../../protocol/messages/entities.ts'
import type { Actor } from '../../actor.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Content } from '../kit/sending.ts'
import type { Services } from '../kit/services.ts'

const { type, url, thumbnailUrl, fileName, fileSize, mimeType, durationSeconds, width, height, waveform } =
  Shape.properties

/** A file of a message, with either app’s names of its fields. */
const Attachment = Type.Object({
  type,
  url,
  mimeType,
  width,
  height,
  waveform,
  thumbnailUrl,
  thumbnail: thumbnailUrl,
  fileName,
  name: fileName,
  fileSize,
  size: fileSize,
  durationSeconds,
  duration: durationSeconds
})

const Text = Type.Optional(Type.String({ maxLength: 16_384 }))

/** Destination of a message: one of these names it. */
const destination = {
  conversationId: Type.Optional(ConversationId),
  conversation: Type.Optional(ConversationId),
  to: Type.Optional(UserId)
}
type Destination = Partial<Record<keyof typeof destination, string>>

/** A text under either of its names. */
const textFields = { content: Text, text: Text }

/** Message as a client sends it: destination and content; a sender that it names is ignored. */
export const NewMessage = Type.Object({
  ...destination,
  ...textFields,
  type: Type.Optional(MessageType),
  attachments: Type.Optional(Type.Array(Attachment, { maxItems: 10 })),
  location: Type.Optional(Type.Object(Location.properties)),
  contact: Type.Optional(Type.Object(ContactCard.properties)),
  encryptedContent: content.encryptedContent,
  metadata: content.metadata,
  mentions: content.mentions,
  replyTo: Type.Optional(MessageId),
  clientId: Type.Optional(ClientId)
})
type NewMessage = Static<typeof NewMessage>

/** Other content of a message. */
export const EditedMessage = Type.Object({
  ...textFields,
  encryptedContent: content.encryptedContent,
  mentions: content.mentions
})

/** Content to send, in canonical words. Without a type it is that of the first file. */
export function contentOf(input: NewMessage): Content {
  const { attachments, location, contact, encryptedContent, metadata, mentions, replyTo, clientId } = input
  return omitUndefined({
    text: nonEmpty(input.text ?? input.content),
    type: input.type ?? attachments?.[0]?.type,
    attachments: attachments?.map(attachmentOf),
    location,
    contact,
    encryptedContent,
    metadata,
    mentions,
    clientId,
    replyTo
  }) as Content
}

function attachmentOf({ thumbnail, name, size, duration, ...file }: Static<typeof Attachment>) {
  return {
    type: file.type,
    url: file.url,
    ...omitUndefined({
      thumbnailUrl: file.thumbnailUrl ?? thumbnail,
      fileName: file.fileName ?? name,
      fileSize: file.fileSize ?? size,
      mimeType: file.mimeType,
      durationSeconds: file.durationSeconds ?? duration,
      width: file.width,
      height: file.height,
      waveform: file.waveform
    })
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

/** An edit in canonical words. @throws {AppError} `invalid` without anything to say */
export function editOf({ content, text = content, encryptedContent, mentions }: Static<typeof EditedMessage>) {
  const said = nonEmpty(text)
  if (said === undefined && encryptedContent === undefined) throw new AppError('invalid', 'The text is empty')
  return omitUndefined({ text: said, encryptedContent, mentions })
}

/** The conversation that a client names; the direct one with a person is made if there is none. @throws {AppError} `invalid` when nothing is named */
export async function openPlace(
  { conversations }: Pick<Services, 'conversations'>,
  actor: Actor,
  { conversation, conversationId = conversation, to }: Destination
): Promise<string> {
  if (conversationId !== undefined) return conversationId
  if (to === undefined) throw new AppError('invalid', 'Give conversationId, conversation or to')
  return await conversations.openDirect(actor, to)
}

/** The conversation that a client names, if there is one. @throws {AppError} `invalid` when nothing is named */
export async function findPlace(
  { conversations }: Pick<Services, 'conversations'>,
  actor: Actor,
  { conversation, conversationId = conversation, to }: Destination
): Promise<string | undefined> {
  if (conversationId !== undefined) return conversationId
  if (to === undefined) throw new AppError('invalid', 'Name the conversation or the other person')
  return await conversations.directId(actor, to)
}
