import { bareId } from '../../../../protocol/ids.ts'
import type { Presence } from '../../../../protocol/presence/entities.ts'
import type { Me, User } from '../../../../protocol/users/entities.ts'
import type { Actor } from '../../../actor.ts'
import type { Found } from '../../kit/readings.ts'
import type { Services } from '../../kit/services.ts'

/** A profile as the app has it; what is not known, or hidden from who asks, is null. */
function presentProfile(user: User | Me, { status, lastSeenAt }: Omit<Presence, 'userId'>) {
  const { id, username, displayName, avatarUrl, bio, publicKey, createdAt } = user
  return {
    _id: bareId(id),
    id: bareId(id),
    username: username ?? null,
    displayName,
    avatar: avatarUrl ?? null,
    bio: bio ?? null,
    status,
    lastSeen: lastSeenAt ?? user.lastSeenAt ?? null,
    publicKey: publicKey ?? null,
    isActive: true,
    isVerified: false,
    createdAt: createdAt ?? null
  }
}

/** The actor’s own profile. */
export async function presentOwn({ presence }: Pick<Services, 'presence'>, actor: Actor, me: Me) {
  const [own = { status: 'offline' as const }] = await presence.get(actor, [me.id])
  const { phone, email, unverifiedPhone, unverifiedEmail, createdAt, updatedAt = createdAt } = me
  return {
    ...presentProfile(me, own),
    phoneNumber: phone ?? null,
    email: email ?? null,
    unverifiedPhoneNumber: unverifiedPhone ?? null,
    unverifiedEmail: unverifiedEmail ?? null,
    isVerified: phone !== undefined || email !== undefined,
    updatedAt
  }
}

/** Other people’s profiles with their presence, in their order. */
export function presentOthers({ users, presences }: Found) {
  return users.map((user, index) => presentProfile(user, presences[index] ?? { status: 'offline' }))
}

/** Short profile of a person. */
export function presentCard({ id, username, displayName, avatarUrl }: User) {
  return {
    _id: bareId(id),
    id: bareId(id),
    username: username ?? null,
    displayName,
    avatar: avatarUrl ?? null
  }
}
