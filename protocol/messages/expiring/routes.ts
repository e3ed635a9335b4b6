import { Revised } from '../../conversations/routes.ts'
import { ConversationId } from '../../ids.ts'
import { route } from '../../route.ts'
import { closed, withExamples } from '../../schema.ts'
import { Expiry } from './events.ts'

export const SetExpiry = route({
  method: 'PUT',
  url: '/conversations/:conversationId/expiry',
  schema: {
    summary: 'Have messages that are sent from now on go by themselves after a time, or stay',
    tags: ['conversations'],
    params: closed({ conversationId: ConversationId }),
    body: withExamples(closed(Expiry), { expireAfterSeconds: 86_400 }),
    response: { 200: Revised }
  }
})
