import { AuthRefresh, Ping } from '../../../protocol/connection/events.ts'
import { PresenceSet, PresenceSubscribe } from '../../../protocol/presence/events.ts'
import { type BoundCommand, on } from '../../contract/command.ts'
import type { Hub } from '../hub.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { PresencePort } from '../ports.ts'
import type { CommandContext } from './dispatcher.ts'

interface ConnectionCommandDeps {
  readonly hub: Hub
  readonly lifecycle: Lifecycle
  readonly presence: PresencePort
}

/** Commands about the connection itself: its presence, its subscriptions to that of others, its token. */
export function connectionCommands({
  hub,
  lifecycle,
  presence
}: ConnectionCommandDeps): BoundCommand<CommandContext>[] {
  return [
    on(PresenceSet, async ({ actor, connection }: CommandContext, { status }) => {
      presence.set(actor.userId, connection.id, status)
      return await Promise.resolve({})
    }),
    on(PresenceSubscribe, async ({ actor, connection }: CommandContext, { userIds }) => {
      // Subscribed before it is read, so that no change falls between.
      await hub.subscribePresence(connection, userIds)
      return { presence: await presence.get(actor, userIds) }
    }),
    on(Ping, async () => await Promise.resolve({ serverTime: new Date().toISOString() })),
    on(AuthRefresh, async ({ connection }: CommandContext, { token }) => {
      const { expiresAt } = await lifecycle.renew(connection, token)
      return { expiresAt: new Date(expiresAt).toISOString() }
    })
  ]
}
