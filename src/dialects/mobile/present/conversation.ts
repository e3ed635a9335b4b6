import { bareId } from '../../../../protocol/ids.ts'
import type { Actor } from '../../../actor.ts'
import type { ConversationDetails, Participant } from '../../../conversations/index.ts'
import { readConversation } from '../../kit/readings.ts'
import type { Services } from '../../kit/services.ts'
import { presentMessage } from './message.ts'
import { presentCard } from './people.ts'

/** A conversation as one of its members sees it; a direct one is called what the other person is called. */
export function presentConversation(actor: Actor, { view, participants }: ConversationDetails) {
  const { id, type, name, description, avatarUrl, lastMessage, lastActivityAt, createdAt, unreadCount, me } = view
  const { muted = false, pinned = false, archived = false, mutedUntil, nickname } = me.preferences ?? {}
  const other = participants.find(({ user }) => user.id === view.peerId)?.user
  const owner = participants.find(({ role }) => role === 'owner')?.user
  const own = { unreadCount, isMuted: muted, isPinned: pinned }
  return {
    _id: bareId(id),
    id: bareId(id),
    type: type === 'group' ? 'group' : 'single',
    name: name ?? nickname ?? other?.displayName ?? null,
    avatar: avatarUrl ?? other?.avatarUrl ?? null,
    description: description ?? null,
    participants: participants.map(it => presentParticipant(it, bareId(it.user.id) === actor.userId ? own : NOT_TOLD)),
    admins: participants.filter(({ role }) => role !== 'member').map(({ user }) => bareId(user.id)),
    createdBy: owner === undefined ? null : bareId(owner.id),
    lastMessage: lastMessage === undefined ? null : presentMessage(lastMessage, participants),
    lastMessageAt: lastActivityAt,
    isArchived: archived,
    ...own,
    mutedUntil: mutedUntil ?? null,
    createdAt,
    updatedAt: lastActivityAt
  }
}

/** Placeholders for the preferences of others, which are private. */
const NOT_TOLD = { unreadCount: 0, isMuted: false, isPinned: false }

function presentParticipant({ user, role, joinedAt, readUpTo }: Participant, own: typeof NOT_TOLD) {
  return {
    userId: bareId(user.id),
    joinedAt,
    lastReadMessageId: readUpTo === undefined ? null : bareId(readUpTo),
    ...own,
    role,
    user: presentCard(user)
  }
}

/** Present a conversation of the actor. @throws {AppError} `not_found` */
export async function showConversation(
  services: Pick<Services, 'conversations' | 'details'>,
  actor: Actor,
  id: string
) {
  return presentConversation(actor, await readConversation(services, { actor, params: { id } }))
}
