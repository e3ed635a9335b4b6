import type { Static } from '@sinclair/typebox'
import { command, durable } from '../../envelope.ts'
import { ConversationId } from '../../ids.ts'
import { closed } from '../../schema.ts'
import { ChangedAt, DraftContent, DraftState } from './entities.ts'

export const DraftSave = command('draft:save', {
  description: 'Keeps what the person has begun to write in a conversation, in the place of what was kept before.',
  data: closed({ conversationId: ConversationId, ...DraftContent, changedAt: ChangedAt }),
  reply: DraftState
})
export type DraftSaveData = Static<typeof DraftSave.data>

export const DraftDelete = command('draft:delete', {
  description: 'Takes the draft of a conversation away: it was sent, or given up.',
  data: closed({ conversationId: ConversationId, changedAt: ChangedAt }),
  reply: DraftState
})

export const DraftUpdated = durable(
  'user',
  'draft:updated',
  'You have begun to write something else in a conversation, on this device or another; or nothing any more.',
  DraftState
)
