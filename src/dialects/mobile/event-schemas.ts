import { Type } from '@sinclair/typebox'
import { Emoji } from '../../../protocol/reactions/entities.ts'
import { BareId } from '../kit/answers.ts'
import { Message } from './answers.ts'

const place = { conversationId: BareId, messageId: BareId }
const Reaction = Type.Object({ ...place, userId: BareId, emoji: Emoji })
const Typing = Type.Object({ conversationId: BareId, userId: BareId })
const Somebody = Type.Object({ userId: BareId })

/** Schemas of what its clients are told, by the name of the event. */
export const eventSchemas = {
  'message:new': Message,
  'message:edited': Message,
  'message:deleted': Type.Object(place),
  'message:reaction:added': Reaction,
  'message:reaction:removed': Reaction,
  'message:read': Type.Object({ ...place, userId: BareId }),
  'typing:start': Typing,
  'typing:stop': Typing,
  'user:online': Somebody,
  'user:offline': Somebody
}
