import t from 'tap'
import { MAX_CHANGES_BEHIND, SYNC_PAGE_ITEMS } from '../../protocol/limits.ts'
import { joinServer, type Person, startServer, TOGETHER } from '../kit/helper.ts'
import type { Frame, SocketClient } from '../kit/socket-client.ts'
import { SyncClient } from '../kit/sync-client/client.ts'

/** Sends many messages from several sockets, each with a few in flight. */
async function sendMany(sockets: readonly SocketClient[], conversationId: string, count: number): Promise<void> {
  let next = 0
  const work = async (socket: SocketClient): Promise<void> => {
    while (next < count) {
      const clientId = `many-${next++}`
      await socket.ask('message:send', { conversationId, clientId, text: clientId })
    }
  }
  await Promise.all(sockets.flatMap(socket => Array.from({ length: 24 }, async () => await work(socket))))
}

t.test('G4 nothing missed: changes of all kinds while away, on another node, equal a fresh load', async t => {
  const server = await startServer(t, TOGETHER)
  const other = await startServer(t, { uri: server.uri, ...TOGETHER })
  const [ann, ben, cleo, dan] = (await server.people(4)) as [Person, Person, Person, Person]
  const [group, left, direct] = await Promise.all([
    server.group(ann, ben, cleo),
    server.group(ann, ben),
    server.direct(ann, ben)
  ])
  const socket = await server.connect(ann)
  const send = async (conversationId: string, clientId: string): Promise<string> =>
    (await socket.ask('message:send', { conversationId, clientId, text: clientId })).id
  const ids: string[] = []
  for (let index = 0; index < 8; index += 1) ids.push(await send(group, `early-${index}`))
  const device = await SyncClient.open(server.url, ben.token)
  await device.untilLevel()
  t.equal(Object.keys(device.store.conversations[group]?.messages ?? {}).length, 9, 'and that the group was made')
  const cursors = { ...device.cursors }
  device.cut()

  const place = (index: number) => ({ conversationId: group, messageId: ids[index] })
  await sendMany([socket], group, SYNC_PAGE_ITEMS + 50)
  await socket.ask('message:edit', { ...place(0), text: 'Edited' })
  await socket.ask('message:delete', { ...place(1), scope: 'everyone' })
  await socket.ask('reaction:add', { ...place(2), emoji: '🎉' })
  await socket.ask('reaction:remove', { ...place(2), emoji: '🎉' })
  await socket.ask('reaction:add', { ...place(3), emoji: '👍' })
  await (await other.connect(ben)).ask('message:delete', { ...place(4), scope: 'me' })
  await socket.ask('conversation:update', { conversationId: group, name: 'Another name' })
  await socket.ask('member:add', { conversationId: group, userIds: [dan.id] })
  await socket.ask('member:remove', { conversationId: group, userId: cleo.id })
  await socket.ask('member:role', { conversationId: group, userId: dan.id, role: 'admin' })
  await socket.ask('member:remove', { conversationId: left, userId: ben.id })
  await send(left, 'not-for-ben')
  await send(direct, 'late')
  const fresh = await server.group(ann, ben)
  await send(fresh, 'new')

  const twin = await SyncClient.open(other.url, ben.token, { store: structuredClone(device.store) })
  await device.reconnect(other.url)
  for (const client of [device, twin]) {
    await client.untilLevel()
    t.same(client.store, await SyncClient.freshLoad(server.url, ben.token))
  }
  t.notOk(left in device.store.conversations)
  t.ok(fresh in device.store.conversations)
  t.notOk((ids[4] ?? '') in (device.store.conversations[group]?.messages ?? {}))
  t.equal(device.store.conversations[group]?.conversation?.name, 'Another name')
  for (const [stream, rev] of Object.entries(device.cursors)) t.ok(rev >= (cursors[stream] ?? 0))
  device.close()
  twin.close()
})

t.test('G4 nothing missed: a page is complete up to its rev, and bounded; the next goes on there', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  await sendMany([socket], conversationId, 2 * SYNC_PAGE_ITEMS + 10)
  const seen: number[] = []
  let pages = 0
  for (let [since, more] = [0, true]; more; pages += 1) {
    const page = await socket.ask('sync:pull', { stream: conversationId, since })
    t.ok(page.items.length <= SYNC_PAGE_ITEMS + 2)
    for (const { rev } of page.items) t.ok(rev > since && rev <= page.rev)
    seen.push(...page.items.filter(({ type }: Frame) => type === 'message').map(({ message }: Frame) => message.seq))
    since = page.rev
    more = page.more
  }
  t.same(
    seen,
    Array.from({ length: 2 * SYNC_PAGE_ITEMS + 10 }, (_, index) => index + 1)
  )
  t.ok(pages >= 3)
})

t.test('G4 nothing missed: too far behind is told to reload, a cursor beyond the head is refused', async t => {
  const server = await joinServer(t)
  const people = (await server.people(4)) as [Person, Person, Person, Person]
  const [ann] = people
  const conversationId = await server.group(...people)
  const device = await SyncClient.open(server.url, ann.token)
  await device.untilLevel()
  device.cut()
  const sockets = await Promise.all(people.map(async person => await server.connect(person)))
  const [socket] = sockets as [SocketClient]
  await sendMany(sockets, conversationId, MAX_CHANGES_BEHIND)
  const pull = async (since: number) => await socket.ask('sync:pull', { stream: conversationId, since })
  t.match(await pull(2), { reset: undefined, more: true }, 'just not too far')
  const head = MAX_CHANGES_BEHIND + 2
  t.same(await pull(1), { stream: conversationId, rev: head, more: false, items: [], reset: true })
  t.same(await pull(head), { stream: conversationId, rev: head, more: false, items: [] })
  for (const since of [head + 1, Number.MAX_SAFE_INTEGER]) {
    t.match(await socket.refused('sync:pull', { stream: conversationId, since }), { code: 'invalid' })
  }
  t.match(await socket.refused('sync:pull', { stream: ann.id, since: 1_000 }), { code: 'invalid' })
  await socket.ask('message:send', { conversationId, clientId: 'last', text: 'Last' })
  await device.reconnect()
  await device.untilLevel()
  t.equal(Object.keys(device.store.conversations[conversationId]?.messages ?? {}).length, head)
  device.close()
})

t.test('G4 nothing missed: who connects while others write misses no rev between hello and live', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const writer = await server.connect(ann)
  let isWriting = true
  let count = 0
  const write = async (): Promise<void> => {
    while (isWriting) await writer.ask('message:send', { conversationId, clientId: `m${count++}`, text: 'Go' })
  }
  const writing = Promise.all(Array.from({ length: 8 }, async () => await write()))
  for (let turn = 0; turn < 25; turn += 1) {
    const sockets = await Promise.all([server.socket(), server.socket('/ws', { authorization: `Bearer ${ben.token}` })])
    for (const [index, socket] of sockets.entries()) {
      const { heads } = await socket.ask('hello', index === 0 ? { token: ben.token } : {})
      const { rev } = heads.find(({ stream }: Frame) => stream === conversationId)
      const last = await socket.next(frame => frame.stream === conversationId && frame.rev >= rev + 10)
      const revs = socket.frames
        .filter(frame => frame.stream === conversationId && frame.rev > rev)
        .map(frame => frame.rev)
      const heard = [...revs, last.rev].filter(it => it <= last.rev)
      t.same(
        heard,
        Array.from({ length: last.rev - rev }, (_, step) => rev + 1 + step)
      )
      socket.terminate()
      await socket.closed
    }
  }
  isWriting = false
  await writing
})
