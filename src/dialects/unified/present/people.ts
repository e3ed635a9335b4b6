import { bareId } from '../../../../protocol/ids.ts'
import type { Presence } from '../../../../protocol/presence/entities.ts'
import type { Me, User } from '../../../../protocol/users/entities.ts'
import type { Actor } from '../../../actor.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type Found, withPresence } from '../../kit/readings.ts'
import type { Services } from '../../kit/services.ts'

type ChangingFields = Pick<User, 'username' | 'displayName' | 'avatarUrl' | 'bio' | 'statusText'>

/** The id of a person under each of its names. */
export function presentUserId(id: string) {
  const bare = bareId(id)
  return { _id: bare, id: bare, uid: bare, userId: bare }
}

/** A person with both apps’ names of the fields; what their privacy hides is null. */
export function presentUser(user: User | Me) {
  const { id, lastSeenAt, createdAt } = user
  return {
    ...presentUserId(id),
    ...presentChanging(user),
    isVerified: false,
    lastSeen: lastSeenAt ?? null,
    createdAt: createdAt ?? null
  }
}

/** Fields that a person changes. */
export function presentChanging({ username, displayName, avatarUrl, bio, statusText }: ChangingFields) {
  return {
    username: username ?? null,
    name: displayName,
    displayName,
    avatar: avatarUrl ?? null,
    avatarUrl: avatarUrl ?? null,
    bio: bio ?? null,
    statusText: statusText ?? null
  }
}

/** The caller’s own profile, with what nobody else sees. */
export function presentMe(me: Me) {
  const { phone, email, unverifiedPhone, unverifiedEmail, publicKey, updatedAt } = me
  return {
    ...presentUser(me),
    phone: phone ?? null,
    phoneNumber: phone ?? null,
    email: email ?? null,
    unverifiedPhone: unverifiedPhone ?? null,
    unverifiedEmail: unverifiedEmail ?? null,
    isVerified: phone !== undefined || email !== undefined,
    ...omitUndefined({ publicKey, updatedAt })
  }
}

/** Whether somebody is there. */
export function presentPresence({ userId, status, lastSeenAt }: Presence) {
  return { userId: bareId(userId), online: status !== 'offline', status, lastSeen: lastSeenAt ?? null }
}

/** People with whether they are there, as the actor may see it. */
export async function presentUsers(services: Pick<Services, 'presence'>, actor: Actor, users: readonly User[]) {
  return presentFound(await withPresence(services, actor, users))
}

/** People with whether they are there. */
export function presentFound({ users, presences }: Found) {
  return users.map((user, index) => {
    const there = presences[index]
    if (there === undefined) throw new Error('Everybody has a presence')
    const { online, status, lastSeen } = presentPresence(there)
    const shown = presentUser(user)
    return { ...shown, online, isOnline: online, status, lastSeen: lastSeen ?? shown.lastSeen }
  })
}
