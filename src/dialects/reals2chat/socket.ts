import { Type } from '@sinclair/typebox'
import type { Message } from '../../../protocol/entities/message.ts'
import type { Presence } from '../../../protocol/entities/user.ts'
import { bareId, UserId } from '../../../protocol/ids.ts'
import type { Actor, Services } from '../../services/index.ts'
import type { Told } from '../../transport/connection.ts'
import type { Say, Spoken, Vocabulary } from '../../transport/vocabulary.ts'
import { createCommands } from '../commands.ts'
import { sendToPerson } from '../sending.ts'
import { startTyping } from '../typing.ts'
import { contentOf, NewMessage } from './content.ts'
import { lastSeenOf, presentMessage } from './present.ts'

/** Document 3, "Real-time Communication". Its apps know conversations of two and no others. */
export function createVocabulary(services: Services): Vocabulary {
  return { name: 'reals2chat', commands: commands(services), says, watches: 'friends' }
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

const says: ReadonlyMap<string, Say> = new Map<string, Say>([
  ['message:new', sayNew],
  ['typing:start', event => sayTyping(event, true)],
  ['typing:stop', event => sayTyping(event, false)],
  ['presence', ({ data }) => [sayStatus(data as Presence)]]
])

/** Who is told has got it by that. */
function sayNew({ data, pair }: Told): Spoken[] {
  const message = data as Message
  const recipientId = pair?.find(id => id !== bareId(message.senderId))
  if (recipientId === undefined) return []
  const told = presentMessage(message, recipientId, 'delivered')
  return [{ name: 'receiveMessage', data: told, isFor: userId => userId === recipientId }]
}

function sayTyping({ data, pair }: Told, isTyping: boolean): Spoken[] {
  const { userId } = data as { userId: string }
  return pair === undefined ? [] : [{ name: 'typingStatus', data: { senderId: bareId(userId), isTyping } }]
}

function sayStatus(presence: Presence): Spoken {
  const { userId, status } = presence
  const data = { userId: bareId(userId), isOnline: status !== 'offline', lastSeen: lastSeenOf(presence) }
  return { name: 'userStatus', data }
}
