import type { Session, SessionRef } from '../../../protocol/accounts/entities.ts'
import { prefixedId } from '../../../protocol/ids.ts'
import type { Actor } from '../../actor.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { SessionDoc } from './store.ts'

/** A session as its person's other devices are told of it. */
export function presentRef({ _id, device, createdAt }: SessionDoc): SessionRef {
  return { id: prefixedId('ses', _id.toHexString()), ...omitUndefined({ device }), createdAt: createdAt.toISOString() }
}

/** A session in the list of its person. */
export function presentSession(session: SessionDoc, actor: Actor): Session {
  const { _id, lastSeenAt, expiresAt } = session
  return {
    ...presentRef(session),
    lastSeenAt: lastSeenAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    isCurrent: _id.toHexString() === actor.sessionId
  }
}
