import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ConversationId, MessageId, UserId } from '../../../../protocol/ids.ts'
import type { File } from '../../../../protocol/media/entities.ts'
import { Attachment, ClientId, type MessageType } from '../../../../protocol/messages/entities.ts'
import type { Actor } from '../../../actor.ts'
import { AppError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { describeProblem } from '../../../validation-message.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import { sendMessage } from '../../kit/sending.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { openPlace } from '../content.ts'
import { answer } from '../present/answers.ts'
import { showMessage } from '../present/message.ts'

/** Fields of a form: texts, in which numbers and lists are written as JSON. */
const Fields = Type.Object({
  conversationId: Type.Optional(ConversationId),
  conversation: Type.Optional(ConversationId),
  to: Type.Optional(UserId),
  content: Type.Optional(Type.String({ maxLength: 16_384 })),
  text: Type.Optional(Type.String({ maxLength: 16_384 })),
  replyTo: Type.Optional(MessageId),
  clientId: Type.Optional(ClientId),
  duration: Attachment.properties.durationSeconds,
  waveform: Attachment.properties.waveform
})
type Fields = Static<typeof Fields>

const JSON_FIELDS = ['duration', 'waveform'] as const
const binary = { file: Type.String({ format: 'binary', description: 'The file, under any name.' }) }
const form = Type.Object({ ...Fields.properties, ...binary })

/** Document 1, "Message Controller & Routes": files that are sent as they are uploaded. */
export function uploadRoutes(services: Services): DialectRoute[] {
  const send = async (actor: Actor, parts: Parameters<Services['files']['upload']>[1], isVoice: boolean) => {
    const { file, fields } = await services.files.upload(actor, parts, readFields)
    const { duration: durationSeconds, waveform, content, text = content, ...rest } = fields
    const type: Exclude<MessageType, 'text'> & Attachment['type'] = isVoice ? voiceOf(file) : file.type
    const attachment = { type, url: file.url, ...omitUndefined({ durationSeconds, waveform }) }
    const { replyTo, clientId } = rest
    const said = { type, attachments: [attachment], ...omitUndefined({ text: text || undefined, replyTo, clientId }) }
    const message = await sendMessage(services, actor, await openPlace(services, actor, rest), said)
    return answer(await showMessage(services, message), 'Message sent')
  }
  const options = { answer: answers.OneMessage, status: 201, form }
  return [
    dialectRoute(
      'POST /messages/upload',
      { ...options, summary: 'Send a file' },
      async ({ actor, form }) => await send(actor, form(), false)
    ),
    dialectRoute(
      'POST /messages/voice',
      { ...options, summary: 'Send a voice message' },
      async ({ actor, form }) => await send(actor, form(), true)
    )
  ]
}

/** @throws {AppError} `invalid` for what is no sound; a recording of a browser may say that it is a film without pictures */
function voiceOf({ type, width }: File): 'voice' {
  if (type !== 'audio' && !(type === 'video' && width === undefined))
    throw new AppError('invalid', 'The file is no sound')
  return 'voice'
}

/** @throws {AppError} `invalid` */
function readFields(fields: Readonly<Record<string, string>>): Fields {
  const read: Record<string, unknown> = { ...fields }
  for (const name of JSON_FIELDS) if (fields[name] !== undefined) read[name] = parsed(fields[name])
  if (!Value.Check(Fields, read)) throw new AppError('invalid', describeProblem('form', Fields, read))
  return read
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
