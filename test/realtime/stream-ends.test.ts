import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { CLOSE } from '../../protocol/close.ts'
import { mintToken, type Person, startServer, type TestServer } from '../kit/helper.ts'
import { Page } from '../kit/page.ts'
import { StreamClient } from '../kit/stream-client.ts'

const PATHS = ['/v1/events', '/api/sse']
/** Lets streams come back soon. */
const SOON = { TIMINGS_STREAM_RETRY_MS: '50', TIMINGS_DRAIN_RETRY_MS: '50' }

async function open(t: Test, env: Record<string, string> = {}) {
  const server = await startServer(t, { env: { ...SOON, ...env } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const send = async (text: string): Promise<void> => {
    const path = `/v1/conversations/${conversationId}/messages`
    const { status, text: answer } = await server.call(ann, 'POST', path, { clientId: randomUUID(), text })
    if (status !== 201) throw new Error(answer)
  }
  return { server, ben, send }
}

const ticketOf = async (server: TestServer, who: Pick<Person, 'token'>): Promise<string> =>
  (await server.call(who, 'POST', '/v1/auth/tickets')).body.ticket

/** @returns what cuts the event streams that are open, as a lost network does */
function watchStreams({ app }: TestServer): () => void {
  const sockets = new Set<Socket>()
  app.server.on('request', ({ url = '', socket }) => {
    if (PATHS.some(path => url.startsWith(path))) sockets.add(socket)
  })
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}

t.test('U51: a stream tells that its token ends, tells its end, and nothing after it', async t => {
  const { server, ben, send } = await open(t, { TIMINGS_AUTH_WARNING_MS: '60000' })
  const token = await mintToken(ben.hex, {}, 3)
  const streams = await Promise.all(
    PATHS.map(async path => await StreamClient.open(t, `${server.url}${path}?token=${token}`))
  )
  const isOver = Promise.all(streams.map(async ({ ended }) => await ended))
  for (const stream of streams) {
    await stream.hear('ready')
    const { expiresAt } = (await stream.hear('auth:expiring')).data
    t.match(expiresAt, /^\d{4}-.*Z$/)
  }
  await send('before')
  await Promise.all(streams.map(async stream => await stream.hear('message:new')))
  await isOver
  await send('after')
  for (const stream of streams) {
    t.same(stream.all('end'), [{ code: CLOSE.auth_expired, reason: 'auth_expired' }])
    t.equal(stream.all('message:new').length, 1)
    t.equal(stream.all('auth:expiring').length, 1, 'once')
    t.equal(stream.heard.at(-1)?.name, 'end')
  }
})

t.test('U04 U77: a ticket goes on with the stream that it has opened, for an EventSource as it is', async t => {
  const { server, ben, send } = await open(t)
  for (const path of PATHS) {
    const cut = watchStreams(server)
    const page = await Page.open(t, `${server.url}${path}?ticket=${await ticketOf(server, ben)}`)
    await send(`${path} first`)
    await page.hear(`${path} first`)
    for (const missed of ['one', 'two']) {
      const isBack = page.ready()
      cut()
      await send(`${path} ${missed}`)
      await page.hear(`${path} ${missed}`)
      await isBack
    }
    page.source.close()
    // What was sent before it came is the first that a dialect's stream tells.
    const heard = page.texts.filter(text => text.startsWith(path))
    t.same(heard, [`${path} first`, `${path} one`, `${path} two`])
  }
})

t.test('U04: a ticket goes on with nothing else, and not for ever', async t => {
  const { server, ben, send } = await open(t)
  const brief = await startServer(t, { uri: server.uri, env: { TIMINGS_STREAM_TICKET_MS: '50' } })
  const [first, second] = [await ticketOf(server, ben), await ticketOf(server, ben)]
  const placeOf = async ({ url }: TestServer, ticket: string): Promise<string> => {
    const stream = await StreamClient.open(t, `${url}/v1/events?ticket=${ticket}`)
    await stream.hear('ready')
    await send(ticket)
    await stream.hear('message:new', ({ data }) => data.text === ticket)
    stream.cut()
    return stream.lastEventId
  }
  const statusOf = async ({ url }: TestServer, query: string, id?: string): Promise<number | undefined> => {
    const stream = await StreamClient.open(
      t,
      `${url}/v1/events?${query}`,
      id === undefined ? {} : { 'last-event-id': id }
    )
    stream.cut()
    return stream.response.statusCode
  }
  const place = await placeOf(server, first)
  const other = await placeOf(brief, second)
  const [bare = '', proof = ''] = place.split('!')
  t.equal(proof.length, 22)
  t.equal(await statusOf(server, `ticket=${first}`), 401, 'without an id')
  for (const id of [bare, `${bare}!`, `${bare}!${'A'.repeat(22)}`, other])
    t.equal(await statusOf(server, `ticket=${first}`, id), 401, 'with an id that the stream did not give')
  const inAddress = `lastEventId=${encodeURIComponent(place)}`
  t.equal(await statusOf(server, `ticket=${first}&${inAddress}`), 401, 'with an id in the address')
  await t.rejects(
    server.socket(`/ws?ticket=${first}`).then(async socket => await socket.ask('ping')),
    'as a socket'
  )
  t.equal(await statusOf(server, `ticket=${first}`, place), 200, 'with its own, after a cut')
  t.equal(await statusOf(brief, `ticket=${first}`, place), 200, 'on another server too')
  t.equal(
    await statusOf(server, `ticket=${await ticketOf(server, ben)}&${inAddress}`),
    200,
    'a new ticket, from there on'
  )
  while ((await statusOf(brief, `ticket=${second}`, other)) !== 401) await pause(100)
})

t.test('U04: a ticket does not outlive its session', async t => {
  const { server } = await open(t)
  const { accessToken: token } = await server.signUp()
  const ticket = await ticketOf(server, { token })
  const stream = await StreamClient.open(t, `${server.url}/v1/events?ticket=${ticket}`)
  await stream.hear('ready')
  await server.call({ token }, 'POST', '/v1/auth/logout')
  await stream.ended
  t.same(stream.all('end'), [{ code: CLOSE.session_revoked, reason: 'session_revoked' }])
  const headers = { 'last-event-id': stream.lastEventId }
  const again = await StreamClient.open(t, `${server.url}/v1/events?ticket=${ticket}`, headers)
  t.equal(again.response.statusCode, 401)
})
