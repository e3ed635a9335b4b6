import { Type } from '@sinclair/typebox'
import { Timestamp } from '../../../protocol/schema.ts'
import { BareId } from '../kit/answers.ts'
import { Message } from './answers.ts'

const Told = Type.Object({ chatId: BareId, message: Message })
const Somebody = Type.Object({ userId: BareId })

/** Schemas of what its clients are told, by the name of the event. */
export const eventSchemas = {
  'message:new': Told,
  'message:sent': Told,
  'message:edited': Told,
  'message:deleted': Told,
  'message:reaction': Told,
  'message:pinned': Told,
  'message:unpinned': Told,
  'chat:update': Type.Object({ chatId: BareId, lastMessage: Type.String(), timestamp: Timestamp }),
  typing: Type.Object({ from: BareId, chatId: BareId }),
  seen: Type.Object({ from: BareId, messageId: BareId, chatId: BareId }),
  'user:online': Somebody,
  'user:offline': Somebody
}
