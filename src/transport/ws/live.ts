import {
  PresenceSet,
  PresenceSubscribe,
  ReceiptDelivered,
  ReceiptRead,
  TypingStart,
  TypingStop
} from '../../../protocol/events/live.ts'
import { AuthRefresh, Ping } from '../../../protocol/events/session.ts'
import { AppError } from '../../errors.ts'
import type { Services } from '../../services/index.ts'
import type { Authenticator } from '../auth.ts'
import type { Register } from '../dispatch.ts'
import type { Hub } from '../hub.ts'

interface LiveParts {
  hub: Hub
  authenticator: Authenticator
}

/** Socket face of receipts, typing and presence, and of the connection itself. */
export function liveHandlers(
  on: Register,
  { receipts, typing, presence }: Services,
  { hub, authenticator }: LiveParts
): void {
  on(
    ReceiptDelivered,
    async ({ actor }, { conversationId, seq }) => await receipts.mark(actor, conversationId, { deliveredSeq: seq })
  )
  on(
    ReceiptRead,
    async ({ actor }, { conversationId, seq }) => await receipts.mark(actor, conversationId, { readSeq: seq })
  )
  on(TypingStart, async ({ actor }, { conversationId }) => {
    await typing.start(actor, conversationId)
    return {}
  })
  on(TypingStop, async ({ actor }, { conversationId }) => {
    await typing.stop(actor, conversationId)
    return {}
  })
  on(PresenceSet, async ({ actor, connection }, { status }) => {
    presence.set(actor.userId, connection.id, status)
    return await Promise.resolve({})
  })
  on(PresenceSubscribe, async ({ actor, connection }, { userIds }) => {
    // Watched before it is read, so that no change falls between.
    await hub.watch(connection, userIds)
    return { presence: await presence.get(actor, userIds) }
  })
  on(Ping, async () => await Promise.resolve({ serverTime: new Date().toISOString() }))
  on(AuthRefresh, async ({ actor, connection }, { token }) => {
    const renewed = await authenticator.authenticate(token)
    if (renewed.userId !== actor.userId) throw new AppError('forbidden', 'The token is somebody else’s')
    connection.actor = renewed
    return { expiresAt: new Date(renewed.expiresAt).toISOString() }
  })
}
