import { Type } from '@sinclair/typebox'
import type { ConversationView } from '../../../protocol/conversations/entities.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import type { Actor } from '../../actor.ts'
import { AppError } from '../../errors.ts'
import { ignoreMissing } from '../kit/missing.ts'
import type { Services } from '../kit/services.ts'

/** Names a chat: by the other person, as the document has it, or a group by its own id. */
export const ChatId = Type.String({ pattern: '^(user_|conv_)?[0-9a-f]{24}$', maxLength: 29 })

/** The chat, if there is one. @throws {AppError} `not_found` for who is neither a person nor a conversation of the actor */
export async function findChat(
  { conversations, users }: Pick<Services, 'conversations' | 'users'>,
  actor: Actor,
  id: string
): Promise<ConversationView | undefined> {
  if (!id.startsWith('conv_')) {
    const view = await conversations.direct(actor, id)
    if (view !== undefined) return view
  }
  if (!id.startsWith('user_')) {
    const view = await conversations.get(actor, id).catch(ignoreMissing)
    if (view !== undefined) return view
  }
  await users.get(actor, id)
  return undefined
}

/** The id of the chat, to send into; made if there is none. @throws {AppError} as `openChat` */
export async function openChatId(
  services: Pick<Services, 'conversations' | 'users'>,
  actor: Actor,
  id: string
): Promise<string> {
  const { conversations } = services
  const isWithPerson = !id.startsWith('conv_') && (await conversations.directId(actor, id)) !== undefined
  return isWithPerson ? await conversations.openDirect(actor, id) : (await openChat(services, actor, id)).id
}

/** The chat, made if there is none. @throws {AppError} `not_found`, `blocked`, `forbidden` */
export async function openChat(
  services: Pick<Services, 'conversations' | 'users'>,
  actor: Actor,
  id: string
): Promise<ConversationView> {
  const view = await findChat(services, actor, id)
  if (view !== undefined && view.type !== 'direct') return view
  // Also for a chat that is there: who is blocked may not open it.
  return (await services.conversations.create(actor, { type: 'direct', userId: view?.peerId ?? id })).conversation
}

/** The chat that is there. @throws {AppError} `not_found` where the two have not talked yet, and as `findChat` */
export async function requireChat(
  services: Pick<Services, 'conversations' | 'users'>,
  actor: Actor,
  id: string
): Promise<ConversationView> {
  const view = await findChat(services, actor, id)
  if (view === undefined) throw new AppError('not_found', 'No such message')
  return view
}

/** Message that is forwarded, and the `clientId` of what becomes of it. */
interface Forward {
  readonly conversationId: string
  readonly messageId: string
  readonly clientId: string
}

/** Outcome of forwarding into one chat, by the name that it was asked for. */
export interface ForwardedTo {
  readonly to: string
  readonly outcome: Message | AppError
}

/**
 * Forwards a message into chats, which are made where there are none.
 * @throws {AppError} where it is in none of them then
 */
export async function forwardInto(
  services: Pick<Services, 'conversations' | 'forwarding' | 'messages' | 'users'>,
  actor: Actor,
  { to, ...message }: Forward & { to: readonly string[] }
): Promise<ForwardedTo[]> {
  // Nothing is made for a message that is not there.
  const { deletedAt } = await services.messages.get(actor, message)
  if (deletedAt !== undefined) throw new AppError('gone', 'The message was deleted')
  const chats = await Promise.all(
    to.map(async id => ({ to: id, chat: await openChatId(services, actor, id).catch(asRefusal) }))
  )
  const opened = chats.flatMap(({ chat }) => (chat instanceof AppError ? [] : [chat]))
  if (opened.length === 0) throw chats[0]?.chat
  const targets = await services.forwarding.forward(actor, { messages: [message], to: [...new Set(opened)] })
  return await Promise.all(
    chats.map(async ({ to: id, chat }) => {
      if (chat instanceof AppError) return { to: id, outcome: chat }
      const target = targets.find(({ conversationId }) => conversationId === chat)
      const [sent] = target?.messages ?? []
      if (sent === undefined) return { to: id, outcome: target?.error ?? new AppError('internal', 'Not forwarded') }
      const place = { conversationId: chat, messageId: sent.sent.id }
      return { to: id, outcome: sent.present?.() ?? (await services.messages.get(actor, place)) }
    })
  )
}

function asRefusal(error: unknown): AppError {
  if (error instanceof AppError) return error
  throw error
}
