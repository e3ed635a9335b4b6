import t, { type Test } from 'tap'
import { ownDatabase } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { StreamClient } from '../kit/stream-client.ts'
import { runAhead } from './clocks.ts'
import { ServerProcess, type Somebody } from './rig.ts'

/** Two servers on one database, one of them an hour ahead. */
async function openServers(t: Test): Promise<{ right: ServerProcess; ahead: ServerProcess; people: Somebody[] }> {
  const uri = ownDatabase(t)
  const env = { JWT_EXPIRES_IN: '12h', TIMINGS_HEAD_POLL_MS: '200' }
  const right = await ServerProcess.run(t, uri, env)
  const ahead = await runAhead(t, uri, env)
  return { right, ahead, people: await right.people(2, 12 * 3_600) }
}

t.test('U26: servers whose clocks differ by an hour lose nothing of an event stream or of a socket', async t => {
  const { right, ahead, people } = await openServers(t)
  const [ann, ben] = people as [Somebody, Somebody]
  const first = (await right.call(ann, 'POST', '/conversations', { type: 'direct', userId: ben.id })).id
  const group = { type: 'group', name: 'Group', memberIds: [ben.id] }
  const second = (await right.call(ann, 'POST', '/conversations', group)).id
  const say = async (server: ServerProcess, id: string, text: string) =>
    await server.call(ann, 'POST', `/conversations/${id}/messages`, { clientId: text, text })
  const lastIds = new Map<string, string>()
  for (const [round, server] of [ahead, right, ahead].entries()) {
    const clients = await openClients(t, server, { token: ben.token, lastIds })
    await say(server, first, `live-${round}`)
    const missed = round === 0 ? [] : [`missed-${round}`, `also-missed-${round}`]
    for (const text of [`live-${round}`, ...missed]) {
      const has = (data: unknown): boolean => JSON.stringify(data).includes(`"${text}"`)
      await Promise.all(clients.all.map(async client => await client.hear('message:new', has)))
      t.pass(text)
    }
    clients.close()
    await say(right, second, `missed-${round + 1}`)
    await say(ahead, first, `also-missed-${round + 1}`)
  }
})

/** A socket and a stream of each kind, which go on from the last ids. */
async function openClients(
  t: Test,
  server: ServerProcess,
  { token, lastIds }: { token: string; lastIds: Map<string, string> }
) {
  const socket = await PacketClient.open(t, server.url, { namespace: '/mobile', auth: { token } })
  const streams = new Map<string, StreamClient>()
  for (const path of ['/v1/events', '/api/sse']) {
    const headers = { authorization: `Bearer ${token}`, 'last-event-id': lastIds.get(path) ?? '' }
    streams.set(path, await StreamClient.open(t, `${server.url}${path}`, headers))
  }
  const close = (): void => {
    for (const [path, stream] of streams) {
      lastIds.set(path, stream.lastEventId)
      stream.cut()
    }
    socket.socket.close()
  }
  return { all: [socket, ...streams.values()], close }
}

t.test('U25: messages that servers with different clocks send in turn are in order by their times', async t => {
  const { right, ahead, people } = await openServers(t)
  const [ann, ben] = people as [Somebody, Somebody]
  const { id } = await right.call(ann, 'POST', '/conversations', { type: 'direct', userId: ben.id })
  for (const [index, server] of [right, ahead, right, ahead, right, ahead].entries()) {
    await server.call(ann, 'POST', `/conversations/${id}/messages`, { clientId: `m${index}`, text: `m${index}` })
  }
  const { messages } = await right.call(ben, 'GET', `/conversations/${id}/messages`)
  const byTime = [...messages].sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt))
  t.same(
    byTime.map(({ text }) => text),
    ['m0', 'm1', 'm2', 'm3', 'm4', 'm5']
  )
})
