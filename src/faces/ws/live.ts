import {
  PresenceSet,
  PresenceSubscribe,
  ReceiptDelivered,
  ReceiptRead,
  TypingStart,
  TypingStop
} from '../../../protocol/events/live.ts'
import { AuthRefresh, Ping } from '../../../protocol/events/session.ts'
import type { Register } from '../../realtime/commands/dispatcher.ts'
import type { Hub } from '../../realtime/hub.ts'
import type { Lifecycle } from '../../realtime/lifecycle.ts'
import type { Services } from '../../services/index.ts'

interface EphemeralDeps {
  readonly hub: Hub
  readonly lifecycle: Lifecycle
}

/** Socket face of receipts, typing and presence, and of the connection itself. */
export function ephemeralCommands(
  on: Register,
  { receipts, typing, presence }: Services,
  { hub, lifecycle }: EphemeralDeps
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
    // Subscribed before it is read, so that no change falls between.
    await hub.subscribePresence(connection, userIds)
    return { presence: await presence.get(actor, userIds) }
  })
  on(Ping, async () => await Promise.resolve({ serverTime: new Date().toISOString() }))
  on(AuthRefresh, async ({ connection }, { token }) => {
    const { expiresAt } = await lifecycle.renew(connection, token)
    return { expiresAt: new Date(expiresAt).toISOString() }
  })
}
