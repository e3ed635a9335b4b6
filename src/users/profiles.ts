import { prefixedId } from '../../protocol/ids.ts'
import type { Me, User } from '../../protocol/users/entities.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { presentPicture } from '../present/picture.ts'
import type { UserDoc } from './store.ts'
import type { ProfileVisibility } from './visibility.ts'

/** Fields of a stored person that are presented. */
export type PresentedFields = Omit<UserDoc, 'searchTokens'>

/** Profile of a person by what the viewer may see. */
export function presentUser(
  user: PresentedFields,
  { viewerId, isBlocked, about, profilePhoto, lastSeen }: ProfileVisibility
): User {
  if (isBlocked) return presentNames(user)
  const { publicKey, lastSeenAt, createdAt, updatedAt = createdAt } = user
  return {
    ...presentNames(user),
    ...presentShown(user, { about, profilePhoto, ...omitUndefined({ viewerId }) }),
    ...omitUndefined({ publicKey, lastSeenAt: lastSeen ? lastSeenAt?.toISOString() : undefined }),
    createdAt: createdAt.toISOString(),
    // A change of what is hidden is hidden, too.
    updatedAt: (profilePhoto && about ? updatedAt : createdAt).toISOString()
  }
}

/** Picture and lines about a person, by what the viewer may see. */
export function presentShown(
  { _id, avatarUrl, bio, statusText }: PresentedFields,
  { viewerId, about, profilePhoto }: Pick<ProfileVisibility, 'viewerId' | 'about' | 'profilePhoto'>
) {
  const holderOf = () => omitUndefined({ profileId: _id.toHexString(), userId: viewerId })
  return omitUndefined({
    avatarUrl: profilePhoto ? presentPicture(avatarUrl, holderOf) : undefined,
    bio: about ? bio : undefined,
    statusText: about ? statusText : undefined
  })
}

/** Public fields of a person: id and names. */
export function presentNames({ _id, username, displayName }: PresentedFields): User {
  return {
    id: prefixedId('user', _id.toHexString()),
    displayName,
    ...omitUndefined({ username })
  }
}

const OWN_SIGHT: ProfileVisibility = { isBlocked: false, about: true, profilePhoto: true, lastSeen: true }

/** A person as they see themselves. */
export function presentMe(user: PresentedFields): Me {
  const { phone, email, unverifiedPhone, unverifiedEmail, createdAt } = user
  return {
    ...presentUser(user, { ...OWN_SIGHT, viewerId: user._id.toHexString() }),
    ...omitUndefined({ phone, email, unverifiedPhone, unverifiedEmail }),
    createdAt: createdAt.toISOString()
  }
}
