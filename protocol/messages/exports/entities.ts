import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, idOf } from '../../ids.ts'
import { closed, oneOf, Timestamp, withExamples } from '../../schema.ts'
import { Url } from '../entities.ts'

export const ExportId = idOf('exp')

/**
 * Stage of an export. `waiting` and `running` are under way; of one that is `done` there is an archive until it
 * expires; `failed` was refused, `cancelled` was taken back.
 */
export const ExportStatus = oneOf('waiting', 'running', 'done', 'failed', 'cancelled')
export type ExportStatus = Static<typeof ExportStatus>

/** An archive of what a member sees of a conversation, and how far it is made. Nobody else learns of it. */
export const Export = withExamples(
  closed({
    id: ExportId,
    conversationId: ConversationId,
    status: ExportStatus,
    writtenCount: Type.Integer({ minimum: 0, description: 'Messages that are in it.' }),
    messageCount: Type.Integer({ minimum: 0, description: 'About how many will be; 0 while it waits.' }),
    url: Type.Optional({
      ...Url,
      description: 'Address of the archive, for this person alone, while they are a member.'
    }),
    fileName: Type.Optional(Type.String()),
    fileSize: Type.Optional(Type.Integer({ minimum: 0, description: 'Bytes of the archive.' })),
    refusal: Type.Optional(
      closed({ code: Type.String(), message: Type.String() }, 'Why there is none: an error of this protocol.')
    ),
    createdAt: Timestamp,
    expiresAt: Type.Optional({ ...Timestamp, description: 'When it goes, with its archive: a day after its end.' })
  }),
  {
    id: 'exp_64b7f0c2a1d3e4f5a6b7c8d9',
    conversationId: 'conv_64b7f0c2a1d3e4f5a6b7c8d9',
    status: 'running',
    writtenCount: 200,
    messageCount: 1_412,
    createdAt: '2026-11-21T09:30:00.000Z'
  }
)
export type Export = Static<typeof Export>
