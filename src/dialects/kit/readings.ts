import type { Message } from '../../../protocol/messages/entities.ts'
import type { Presence } from '../../../protocol/presence/entities.ts'
import type { User } from '../../../protocol/users/entities.ts'
import type { Actor } from '../../actor.ts'
import type { ConversationDetails } from '../../conversations/index.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { limitOf, placeOf } from './paging.ts'
import type { Services } from './services.ts'

/** Call of a route that several documents name: the fields that all of them give. */
interface Asked<Query> {
  readonly actor: Actor
  readonly query: Query
}

interface Page {
  readonly page?: number
  readonly limit?: number
}

/** A page of the actor’s conversations with their people, pinned ones first. */
export async function readConversations(
  { conversationList, details }: Services,
  { actor, query }: Asked<Page & { readonly type?: 'direct' | 'group' | 'support' }>
): Promise<{ readonly found: readonly ConversationDetails[]; readonly hasMore: boolean }> {
  const { page = 1, type } = query
  const wanted = { limit: limitOf(query), page, ...omitUndefined({ type }) }
  const { conversations, next } = await conversationList.page(actor, wanted)
  return { found: await details.findAll(actor, conversations), hasMore: next !== undefined }
}

/** Read one of the actor’s conversations with its people. @throws {AppError} `not_found` */
export async function readConversation(
  { conversations, details }: Pick<Services, 'conversations' | 'details'>,
  { actor, params: { id } }: { readonly actor: Actor; readonly params: { readonly id: string } }
): Promise<ConversationDetails> {
  const [summary] = await details.findAll(actor, [await conversations.get(actor, id)])
  if (summary === undefined) throw new Error('A conversation has no summary')
  return summary
}

/** People whom a search finds, with whether they are there. */
export interface Found {
  readonly users: readonly User[]
  readonly presences: readonly Presence[]
}

/** A page of the people whom a text finds; nobody for an empty one. */
export async function readFound(
  services: Pick<Services, 'presence' | 'directory'>,
  { actor, query }: Asked<Page & { readonly q: string }>
): Promise<Found> {
  const { q, page = 1 } = query
  return await withPresence(
    services,
    actor,
    q.trim() === '' ? [] : await services.directory.search(actor, q, limitOf(query), page)
  )
}

/** People with their presence, as the actor may see it. */
export async function withPresence(
  { presence }: Pick<Services, 'presence'>,
  actor: Actor,
  users: readonly User[]
): Promise<Found> {
  const ids = users.map(({ id }) => id)
  return { users, presences: await presence.get(actor, ids) }
}

/** A page of what was said, oldest first; without a conversation where two people have none. */
export interface Said {
  readonly conversationId?: string
  readonly messages: readonly Message[]
  readonly more: boolean
}

interface History extends Page {
  readonly before?: string
  readonly conversationId?: string
  readonly conversation?: string
  readonly with?: string
}

/**
 * Messages of a conversation, or of the one with somebody.
 * @throws {AppError} `invalid` when neither is named, `not_found` for who is no member, and for who does not exist
 */
export async function readMessages(services: Services, { actor, query }: Asked<History>): Promise<Said> {
  const { conversation, conversationId: named = conversation, with: userId, ...place } = query
  if (named === undefined && userId === undefined) {
    throw new AppError('invalid', 'Name the conversation or the other person')
  }
  const conversationId = named ?? (await services.conversations.directId(actor, userId ?? ''))
  if (conversationId === undefined) {
    await services.users.get(actor, userId ?? '')
    return { messages: [], more: false }
  }
  const { messages, more } = await services.history.page(actor, { conversationId, ...placeOf(place) })
  return { conversationId, messages, more }
}
