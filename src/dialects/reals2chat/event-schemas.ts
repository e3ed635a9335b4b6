import { Type } from '@sinclair/typebox'
import { BareId } from '../kit/answers.ts'
import { Friend, Message } from './answers.ts'

/** Schemas of what its clients are told, by the name of the event. */
export const eventSchemas = {
  receiveMessage: Message,
  typingStatus: Type.Object({ senderId: BareId, isTyping: Type.Boolean() }),
  userStatus: Type.Object({ userId: BareId, ...Type.Pick(Friend, ['isOnline', 'lastSeen']).properties })
}
