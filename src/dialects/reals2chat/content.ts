import { type Static, Type } from '@sinclair/typebox'
import { UserId } from '../../../protocol/ids.ts'
import { Attachment, ClientId } from '../../../protocol/messages/entities.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Content } from '../kit/sending.ts'

/** A message as the document’s apps send it. */
export const NewMessage = Type.Object({
  recipientId: UserId,
  text: Type.Optional(Type.String({ maxLength: 16_384 })),
  attachment: Type.Optional(Type.Object(Attachment.properties)),
  clientId: Type.Optional(ClientId)
})

/** Content in the words of the services; without text and attachment there is nothing to send, which they refuse. */
export function contentOf({ text, attachment, clientId }: Static<typeof NewMessage>): Content {
  return {
    ...omitUndefined({
      text: text === '' ? undefined : text,
      attachments: attachment ? [attachment] : undefined,
      type: attachment?.type,
      clientId
    })
  }
}
