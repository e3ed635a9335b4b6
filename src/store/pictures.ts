import type { ClientSession, Db, IndexDescription } from 'mongodb'
import type { Actor } from '../actor.ts'
import { ObjectId } from '../database/object-id.ts'

// A picture of a person or a group is kept as its address, or, of a file that is kept here, as `file:` and its id: such
// an address nobody can give.
const PREFIX = 'file:'

/** Time after which a file that was let go is looked at, ms; until then sends that were under way are through. */
const RELEASE_MS = 60_000

/** Finds who has a file as their picture. */
export const PICTURE_INDEX: IndexDescription = {
  key: { avatarUrl: 1 },
  partialFilterExpression: { avatarUrl: { $gte: PREFIX, $lt: 'file;' } }
}

/** Brings files that are kept here into profiles and groups. */
export interface ClaimsPictures {
  /**
   * Changes of a person or a group with the picture as it is stored.
   * @param groupId of a group that is there already
   * @throws {AppError} `not_found` for somebody else's file, `invalid` for one that is no picture
   */
  claim<Changes extends { readonly avatarUrl?: string }>(
    actor: Actor,
    changes: Changes,
    groupId?: string
  ): Promise<Changes>
}

/** A file as it is kept as a picture. */
export function pictureOf(fileId: ObjectId): string {
  return `${PREFIX}${fileId.toHexString()}`
}

/** The file that is kept here of a stored picture; `undefined` for what is elsewhere. */
export function fileOfPicture(stored: string | undefined): ObjectId | undefined {
  return stored?.startsWith(PREFIX) === true ? new ObjectId(stored.slice(PREFIX.length)) : undefined
}

/** Lets files that nobody may use any more be looked at: what nobody else uses is removed then. */
export async function releaseFiles(db: Db, ids: readonly ObjectId[], now: Date, session: ClientSession): Promise<void> {
  if (ids.length === 0) return
  const checkAt = new Date(now.getTime() + RELEASE_MS)
  await db.collection('files').updateMany({ _id: { $in: [...ids] } }, { $set: { checkAt } }, { session })
}
