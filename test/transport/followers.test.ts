import t from 'tap'
import type { Connection, OutboundEvent } from '../../src/transport/connection.ts'
import { Followers } from '../../src/transport/followers.ts'
import { Watchers } from '../../src/transport/watchers.ts'

const [ANN, BEN, EVE] = ['a', 'b', 'e'].map(it => it.repeat(24)) as [string, string, string]

t.test('who comes while a new connection’s circle is being looked up is told to it, and nobody else is', async t => {
  const told: OutboundEvent[] = []
  const voice = { watches: 'peers' as const, tell: (event: OutboundEvent) => void told.push(event) }
  const actor = { userId: ANN, expiresAt: Number.MAX_SAFE_INTEGER }
  const connection: Connection = { id: 'c', voice, actor, isOpen: true, close: () => undefined }
  const onError = (error: unknown): void => void t.fail(String(error))
  const watchers = new Watchers({
    presence: { current: async () => [], visibleTo: async (_viewer, ids) => new Set(ids) },
    onError
  })
  let find: (ids: string[]) => void = () => undefined
  const looked = new Promise<string[]>(resolve => {
    find = resolve
  })
  const followers = new Followers({
    peers: { of: async () => await looked },
    friends: { circleIds: async () => [] },
    watchers,
    onError
  })
  const come = (id: string): void => {
    const presence = { userId: `user_${id}`, status: 'online' as const }
    watchers.tell(presence)
    followers.presenceChanged(presence)
  }
  followers.expect(connection)
  const followed = followers.follow(connection)
  for (const id of [EVE, BEN]) come(id)
  t.same(told, [], 'not before it is known who is in it')
  find([BEN])
  await followed
  t.same(told, [{ event: { type: 'presence', data: { userId: `user_${BEN}`, status: 'online' } } }])
  for (const id of [EVE, BEN]) come(id)
  t.equal(told.length, 2, 'once each from then on')
})
