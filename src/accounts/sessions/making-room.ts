import type { Device } from '../../../protocol/users/entities.ts'
import type { SessionDoc } from './store.ts'

/** Sessions that one person may have. */
const MAX_SESSIONS = 100
/** More than there can be, but for logins at the same moment. */
export const MAX_LISTED = 2 * MAX_SESSIONS
/** Beginning of the id of a device that does not name itself: two of them may have the same. */
export const UNNAMED_DEVICE = 'unnamed-'

/** Sessions that end because another one of their person is opened. */
interface Room {
  /** Sessions of the same device, in whose place it is. */
  readonly former: readonly SessionDoc[]
  /** Sessions that have been unused the longest, where there are too many. */
  readonly tooMany: readonly SessionDoc[]
  /** Number of the others, which stay. */
  readonly keptCount: number
}

/**
 * Decides which sessions of a person another one takes the place of.
 * @param others theirs, newest first
 * @param approverId id (hex) of the session that has let it in, and does not end for it
 */
export function makeRoom(
  others: readonly SessionDoc[],
  device: Device | undefined,
  approverId: string | undefined
): Room {
  const former = others.filter(it => isOfDevice(it, device) && it._id.toHexString() !== approverId)
  const kept = others.filter(it => !former.includes(it))
  const excess = Math.max(0, kept.length + 1 - MAX_SESSIONS)
  const tooMany = kept
    .toReversed()
    .sort((a, b) => a.lastSeenAt.getTime() - b.lastSeenAt.getTime())
    .slice(0, excess)
  return { former, tooMany, keptCount: kept.length - tooMany.length }
}

function isOfDevice(session: SessionDoc, device: Device | undefined): boolean {
  return device !== undefined && !device.id.startsWith(UNNAMED_DEVICE) && session.device?.id === device.id
}
