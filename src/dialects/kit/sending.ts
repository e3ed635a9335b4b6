import { randomUUID } from 'node:crypto'
import type { Message } from '../../../protocol/messages/entities.ts'
import type { MessageSendData } from '../../../protocol/messages/events.ts'
import type { Actor } from '../../actor.ts'
import type { Services } from './services.ts'

/** Content of a message, without its conversation. A message without a `clientId` cannot be told from another one. */
export type Content = Omit<MessageSendData, 'conversationId' | 'clientId'> & { clientId?: string }

/**
 * Sends into a conversation. A repeat answers the message as it is now.
 * @throws {AppError} what sending throws; `not_found` for a repeat whose message the actor no longer sees
 */
export async function sendMessage(
  { messages }: Pick<Services, 'messages'>,
  actor: Actor,
  conversationId: string,
  { clientId = randomUUID(), ...content }: Content
): Promise<Message> {
  const { sent, present } = await messages.send(actor, { ...content, conversationId, clientId })
  return present?.() ?? (await messages.get(actor, { conversationId, messageId: sent.id }))
}

/** Sends to a person, in the direct conversation with them, which is made if there is none. */
export async function sendToPerson(
  services: Pick<Services, 'conversations' | 'messages'>,
  actor: Actor,
  userId: string,
  content: Content
): Promise<Message> {
  return await sendMessage(services, actor, await services.conversations.openDirect(actor, userId), content)
}
