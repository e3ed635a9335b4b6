import t from 'tap'
import { joinServer, mintToken, type Person, startServer } from '../kit/helper.ts'
import { PacketClient, type PacketOptions } from '../kit/packet-client.ts'

const SHORT_S = 3

t.test('U22: a socket.io app whose token ends comes back by itself with a new one', async t => {
  const server = await startServer(t, { env: { TIMINGS_SWEEP_MS: '500' } })
  const [ann, ...people] = (await server.people(5)) as [Person, ...Person[]]
  const doors: PacketOptions[] = [{}, { namespace: '/app' }, { namespace: '/mobile' }, { version: 2 }]
  const open = async ({ hex, token }: Person, options: PacketOptions): Promise<PacketClient> => {
    const ending = await mintToken(hex, {}, SHORT_S)
    const tokens = [ending]
    if (options.version === 2) {
      const client = await PacketClient.open(t, server.url, { ...options, query: { token: ending } })
      // As its documentation says.
      client.socket.on('reconnect_attempt' as never, () => {
        Object.assign(client.socket.io.opts, { query: { token } })
      })
      return client
    }
    const auth = (give: (auth: { token: string }) => void) => give({ token: tokens.shift() ?? token })
    return await PacketClient.open(t, server.url, { ...options, auth })
  }
  await Promise.all(
    doors.map(async (options, index) => {
      const ben = people[index] ?? ann
      const conversationId = await server.direct(ann, ben)
      const client = await open(ben, options)
      const reason = await new Promise(resolve => client.socket.once('disconnect', resolve))
      t.equal(reason, 'transport close', JSON.stringify(options))
      t.match(await client.hear('error'), { code: 'auth_expired' })
      await new Promise<void>(resolve => client.socket.once('connect', () => resolve()))
      const path = `/v1/conversations/${conversationId}/messages`
      await server.call(ann, 'POST', path, { clientId: 'one', text: 'after the end' })
      const names = ['message:new', 'receive-message', 'receiveMessage']
      await Promise.race(names.map(async name => await client.hear(name)))
    })
  )
})

t.test('U22: a socket.io app whose session is revoked is put offline for good', async t => {
  const server = await joinServer(t)
  const { accessToken: token } = await server.signUp()
  const client = await PacketClient.open(t, server.url, { namespace: '/mobile', auth: { token } })
  const gone = new Promise(resolve => client.socket.once('disconnect', resolve))
  await server.call({ token }, 'POST', '/v1/auth/logout')
  t.equal(await gone, 'io server disconnect')
  t.equal(client.socket.active, false, 'does not come back by itself')
})
