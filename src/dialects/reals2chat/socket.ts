import { Type } from '@sinclair/typebox'
import type { Message } from '../../../protocol/entities/message.ts'
import type { Presence } from '../../../protocol/entities/user.ts'
import { bareId, UserId } from '../../../protocol/ids.ts'
import type { EventData } from '../../../protocol/index.ts'
import type { Actor } from '../../actor.ts'
import type { EventContext } from '../../realtime/connection.ts'
import type { DialectEvent, RealtimeDialect, Translations } from '../../realtime/dialect-encoder.ts'
import { createCommands } from '../kit/commands.ts'
import { sendToPerson } from '../kit/sending.ts'
import type { Services } from '../kit/services.ts'
import { startTyping } from '../kit/typing.ts'
import { contentOf, NewMessage } from './content.ts'
import { lastSeenOf, presentMessage } from './present.ts'

/** Document 3, "Real-time Communication". Its apps know conversations of two and no others. */
export function createRealtime(services: Services): RealtimeDialect {
  return {
    name: 'reals2chat',
    commands: commands(services),
    translations,
    presenceScope: 'friends',
    meansQuery: query => query['token'] !== undefined
  }
}

function commands(services: Services) {
  const { conversations, typing } = services
  const recipient = Type.Object({ recipientId: UserId })
  return createCommands(on => {
    on('sendMessage', NewMessage, async (actor, data) => {
      const message = await sendToPerson(services, actor, data.recipientId, contentOf(data))
      return { success: true, message: presentMessage(message, data.recipientId, 'sent') }
    })
    const tell =
      (isTyping: boolean) =>
      async (actor: Actor, { recipientId }: { recipientId: string }) => {
        const id = await conversations.directId(actor, recipientId)
        if (id !== undefined) await (isTyping ? startTyping(services, actor, id) : typing.stop(actor, id))
        return { success: true }
      }
    on('typing', recipient, tell(true))
    on('stopTyping', recipient, tell(false))
  })
}

const translations: Translations = {
  'message:new': presentNew,
  'typing:start': (typing, context) => presentTyping(typing, context, true),
  'typing:stop': (typing, context) => presentTyping(typing, context, false),
  presence: presence => [presentStatus(presence)]
}

/** Who is told has got it by that. */
function presentNew(message: Message, { pair }: EventContext): DialectEvent[] {
  const recipientId = pair?.find(id => id !== bareId(message.senderId))
  if (recipientId === undefined) return []
  const told = presentMessage(message, recipientId, 'delivered')
  return [{ name: 'receiveMessage', data: told, isFor: userId => userId === recipientId }]
}

function presentTyping(
  { userId }: EventData['typing:start'],
  { pair }: EventContext,
  isTyping: boolean
): DialectEvent[] {
  return pair === undefined ? [] : [{ name: 'typingStatus', data: { senderId: bareId(userId), isTyping } }]
}

function presentStatus(presence: Presence): DialectEvent {
  const { userId, status } = presence
  const data = { userId: bareId(userId), isOnline: status !== 'offline', lastSeen: lastSeenOf(presence) }
  return { name: 'userStatus', data }
}
