import t from 'tap'
import type { Connection, OutboundEvent } from '../../src/realtime/connection.ts'
import { AutomaticSubscriptions } from '../../src/realtime/presence/automatic-subscriptions.ts'
import { PresenceSubscriptions } from '../../src/realtime/presence/presence-subscriptions.ts'

const [ANN, BEN, EVE] = ['a', 'b', 'e'].map(it => it.repeat(24)) as [string, string, string]

/** A connection whose scope is found when the test says so. */
function scene(onError: (error: unknown) => void) {
  const sent: OutboundEvent[] = []
  const encoder = { presenceScope: 'peers' as const, send: (outbound: OutboundEvent) => void sent.push(outbound) }
  const actor = { userId: ANN, expiresAt: Number.MAX_SAFE_INTEGER }
  const connection: Connection = {
    ...{ id: 'c', framing: 'frames', closedWith: undefined, encoder, actor, isOpen: true },
    goLive: () => undefined,
    drained: async () => undefined,
    close: () => undefined
  }
  let isRegistered = true
  const subscriptions = new PresenceSubscriptions({
    presence: { current: async () => [], visibleTo: async (_viewer, ids) => new Set(ids) },
    isRegistered: () => isRegistered,
    onError
  })
  let find: (ids: string[]) => void = () => undefined
  const found = new Promise<string[]>(resolve => {
    find = resolve
  })
  const automatic = new AutomaticSubscriptions({ findScope: async () => await found, subscriptions, onError })
  const come = (id: string): void => {
    const presence = { userId: `user_${id}`, status: 'online' as const }
    subscriptions.send(presence)
    automatic.presenceChanged(presence)
  }
  const leave = (): void => {
    isRegistered = false
    automatic.forget(connection)
    subscriptions.unsubscribe(connection)
  }
  return { sent, connection, automatic, find, come, leave }
}

t.test('who comes while a new connection’s scope is being looked up is told to it, and nobody else is', async t => {
  const { sent, connection, automatic, find, come } = scene(error => void t.fail(String(error)))
  automatic.expect(connection)
  const subscribed = automatic.subscribe(connection)
  for (const id of [EVE, BEN]) come(id)
  t.same(sent, [], 'not before it is known who is in it')
  find([BEN])
  await subscribed
  t.same(sent, [{ event: { type: 'presence', data: { userId: `user_${BEN}`, status: 'online' } } }])
  for (const id of [EVE, BEN]) come(id)
  t.equal(sent.length, 2, 'once each from then on')
})

t.test('S24: a connection that leaves while its scope is being looked up is subscribed to nobody', async t => {
  const { sent, connection, automatic, find, come, leave } = scene(error => void t.fail(String(error)))
  automatic.expect(connection)
  const subscribed = automatic.subscribe(connection)
  leave()
  find([BEN])
  await subscribed
  come(BEN)
  t.same(sent, [])
})
