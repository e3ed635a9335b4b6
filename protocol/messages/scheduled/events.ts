import type { Static } from '@sinclair/typebox'
import { command, durable } from '../../envelope.ts'
import { ConversationId } from '../../ids.ts'
import { closed } from '../../schema.ts'
import { ClientId } from '../entities.ts'
import { NewContent } from '../events.ts'
import { ScheduledId, ScheduledMessage, SendAt } from './entities.ts'

export const ScheduledCreate = command('scheduled:create', {
  description: 'Has a message sent into a conversation at a time; a repeat of its `clientId` answers the first one.',
  data: closed({ conversationId: ConversationId, clientId: ClientId, sendAt: SendAt, ...NewContent }),
  reply: ScheduledMessage
})
export type ScheduledCreateData = Static<typeof ScheduledCreate.data>

export const ScheduledChange = command('scheduled:change', {
  description: 'Gives a scheduled message another time and content, in the place of what it had.',
  data: closed({ scheduledId: ScheduledId, sendAt: SendAt, ...NewContent }),
  reply: ScheduledMessage
})
export type ScheduledChangeData = Static<typeof ScheduledChange.data>

export const ScheduledCancel = command('scheduled:cancel', {
  description: 'Takes a scheduled message back; a repeat changes nothing.',
  data: closed({ scheduledId: ScheduledId }),
  reply: ScheduledMessage
})

export const ScheduledUpdated = durable(
  'user',
  'scheduled:updated',
  'A message that you have scheduled was made, changed, cancelled, sent or refused.',
  ScheduledMessage
)
