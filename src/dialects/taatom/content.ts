import { Type } from '@sinclair/typebox'
import type { ConversationView } from '../../../protocol/conversations/entities.ts'
import type { Actor } from '../../actor.ts'
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
