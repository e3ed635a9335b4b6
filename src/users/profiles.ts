import type { Me, User } from '../../protocol/entities/user.ts'
import { prefixedId } from '../../protocol/ids.ts'
import type { UserDoc } from './store.ts'
import type { ProfileVisibility } from './visibility.ts'

/** What of a stored person is presented. */
export type PresentedFields = Omit<UserDoc, 'searchTokens'>

/** A person as one who has this sight of them may see them. */
export function presentUser(
  user: PresentedFields,
  { isBlocked, about, profilePhoto, lastSeen }: ProfileVisibility
): User {
  if (isBlocked) return presentNames(user)
  const { avatarUrl, publicKey, isVerified, lastSeenAt, createdAt } = user
  return {
    ...presentNames(user),
    ...(profilePhoto && avatarUrl !== undefined ? { avatarUrl } : {}),
    ...(about ? presentAbout(user) : {}),
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(isVerified === true ? { isVerified } : {}),
    ...(lastSeen && lastSeenAt !== undefined ? { lastSeenAt: lastSeenAt.toISOString() } : {}),
    createdAt: createdAt.toISOString()
  }
}

function presentAbout({ bio, statusText }: PresentedFields): Pick<User, 'bio' | 'statusText'> {
  return { ...(bio === undefined ? {} : { bio }), ...(statusText === undefined ? {} : { statusText }) }
}

/** What nobody hides from anybody. */
export function presentNames({ _id, username, displayName }: PresentedFields): User {
  return {
    id: prefixedId('user', _id.toHexString()),
    ...(username === undefined ? {} : { username }),
    displayName
  }
}

const OWN_SIGHT: ProfileVisibility = { isBlocked: false, about: true, profilePhoto: true, lastSeen: true }

/** A person as they see themselves. */
export function presentMe(user: PresentedFields): Me {
  const { phone, email, createdAt, updatedAt = createdAt } = user
  return {
    ...presentUser(user, OWN_SIGHT),
    ...(phone === undefined ? {} : { phone }),
    ...(email === undefined ? {} : { email }),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString()
  }
}
