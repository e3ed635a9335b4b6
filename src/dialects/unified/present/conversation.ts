import type { ConversationView } from '../../../../protocol/conversations/entities.ts'
import { bareId } from '../../../../protocol/ids.ts'
import type { Actor } from '../../../actor.ts'
import type { ConversationDetails, Participant } from '../../../conversations/index.ts'
import { readConversation } from '../../kit/readings.ts'
import type { Services } from '../../kit/services.ts'
import { presentMessage } from './message.ts'
import { presentUser } from './people.ts'

/** A conversation with both apps’ names of the fields: its people, and how far each has got. */
export function presentConversation({ view, participants }: ConversationDetails, { userId: me }: Actor) {
  const { id, type, peerId, lastMessage, lastActivityAt, createdAt, unreadCount, memberCount } = view
  const people = participants.map(presentParticipant)
  const pair = peerId === undefined ? undefined : ([me, bareId(peerId)] as const)
  const own = people.find(({ userId }) => userId === me)
  return {
    _id: bareId(id),
    id: bareId(id),
    conversationId: bareId(id),
    conversation: bareId(id),
    type,
    isGroup: type === 'group',
    status: view.status ?? 'active',
    participantKey: pair === undefined ? null : [...pair].sort().join(':'),
    ...presentFace(view, participants),
    participants: people,
    members: people,
    memberCount,
    ...rolesOf(participants),
    deliveredUpTo: own?.deliveredUpTo ?? null,
    readUpTo: own?.readUpTo ?? null,
    ...presentKeeping(view),
    unreadCount,
    lastMessage: lastMessage === undefined ? null : presentMessage(lastMessage, pair),
    lastMessageAt: lastActivityAt,
    updatedAt: lastActivityAt,
    createdAt
  }
}

/** Name and picture of a conversation: of a direct one those of the other person. */
function presentFace(
  { name, description, avatarUrl, peerId, me: { preferences } }: ConversationView,
  participants: readonly Participant[]
) {
  const peer = participants.find(({ user }) => user.id === peerId)?.user
  const avatar = avatarUrl ?? peer?.avatarUrl ?? null
  return {
    name: name ?? preferences?.nickname ?? peer?.displayName ?? null,
    description: description ?? null,
    avatar,
    avatarUrl: avatar
  }
}

function presentParticipant({ user, role, joinedAt, deliveredUpTo, readUpTo }: Participant) {
  return {
    ...presentUser(user),
    role,
    joinedAt,
    deliveredUpTo: deliveredUpTo === undefined ? null : bareId(deliveredUpTo),
    readUpTo: readUpTo === undefined ? null : bareId(readUpTo)
  }
}

function rolesOf(participants: readonly Participant[]) {
  const idsOf = (...roles: string[]) => participants.filter(it => roles.includes(it.role)).map(it => bareId(it.user.id))
  return { owner: idsOf('owner')[0] ?? null, admins: idsOf('owner', 'admin') }
}

/** Preferences of the caller. */
function presentKeeping({ me: { preferences } }: ConversationView) {
  return {
    isMuted: preferences?.muted ?? false,
    isPinned: preferences?.pinned ?? false,
    isArchived: preferences?.archived ?? false
  }
}

/** Conversations of the actor’s with their people, in their order. */
export async function presentConversations(
  { details }: Pick<Services, 'details'>,
  actor: Actor,
  views: readonly ConversationView[]
) {
  const found = await details.findAll(actor, views)
  return found.map(summary => presentConversation(summary, actor))
}

/** Present one of the actor’s conversations. @throws {AppError} `not_found` */
export async function showConversation(
  services: Pick<Services, 'conversations' | 'details'>,
  actor: Actor,
  id: string
) {
  return presentConversation(await readConversation(services, { actor, params: { id } }), actor)
}
