import type { Test } from 'tap'
import type { Person, TestServer } from '../../kit/helper.ts'
import { SocketClient } from '../../kit/socket-client.ts'
import { StreamClient } from '../../kit/stream-client.ts'
import { atOnce, type Row, type Stage } from './row.ts'

/** Somewhere a ticket lets somebody in. */
interface Door {
  readonly face: string
  /** @returns whether they are in */
  enter(t: Test, server: TestServer, ticket: string): Promise<boolean>
}

/** A stream says `ready` when it is live. */
const stream = (path: string): Door => ({
  face: path,
  enter: async (t, { url }, ticket) => {
    const client = await StreamClient.open(t, `${url}${path}?ticket=${ticket}`)
    if (client.response.statusCode !== 200) return false
    await client.hear('ready')
    client.cut()
    return true
  }
})

/** A raw socket, in the words of a dialect or in canonical ones; the ticket comes in `hello`. */
const socket = (query: string): Door => ({
  face: `/ws${query}`,
  enter: async (_, { url }, ticket) => {
    const client = await SocketClient.open(`${url.replace('http', 'ws')}/ws${query}`)
    const isIn = await client.ask('hello', { ticket }).then(
      () => true,
      () => false
    )
    client.terminate()
    return isIn
  }
})

/** The same, with the ticket in the address: who is not let in there gets no socket, or none that may speak. */
const address: Door = {
  face: '/ws with the ticket in the address',
  enter: async (_, { url }, ticket) => {
    const client = await SocketClient.open(`${url.replace('http', 'ws')}/ws?ticket=${ticket}`).catch(() => undefined)
    const isIn = await client?.ask('hello', {}).then(
      () => true,
      () => false
    )
    client?.terminate()
    return isIn === true
  }
}

const DIALECTS = ['mobile', 'unified', 'chatapp', 'reals2chat', 'taatom']
const DOORS: readonly Door[] = [
  ...['/v1/events', '/api/sse', '/chatapp/api/sse'].map(stream),
  ...['', ...DIALECTS.map(name => `?dialect=${name}`)].map(socket),
  address
]

async function ticketFor(server: TestServer, who: Pick<Person, 'token'>): Promise<string> {
  return (await server.call(who, 'POST', '/v1/auth/tickets')).body.ticket
}

function rowsOf(door: Door): Row[] {
  const row = (what: string, run: Row['run']): Row => ({ face: door.face, what: `a ticket ${what}`, run })
  const begin = async ({ server }: Stage) => {
    const { accessToken: token } = await server.signUp()
    return { token, ticket: await ticketFor(server, { token }) }
  }
  return [
    row('opens once, here and anywhere else', async (t, stage) => {
      const { ticket } = await begin(stage)
      t.equal(await door.enter(t, stage.server, ticket), true)
      for (const other of DOORS) t.equal(await other.enter(t, stage.server, ticket), false, other.face)
    }),
    row('used ten times at once opens once', async (t, stage) => {
      const { ticket } = await begin(stage)
      const entered = await atOnce(async () => await door.enter(t, stage.server, ticket))
      t.equal(entered.filter(isIn => isIn).length, 1)
    }),
    row('opens nothing after signing out', async (t, stage) => {
      const { token, ticket } = await begin(stage)
      t.equal((await stage.server.call({ token }, 'POST', '/v1/auth/logout')).status, 204)
      t.equal(await door.enter(t, stage.server, ticket), false)
    }),
    row('opens nothing after its half minute', async (t, stage) => {
      const { ticket } = await begin(stage)
      await stage.db.collection('tickets').updateMany({}, { $set: { expiresAt: new Date(Date.now() - 1) } })
      t.equal(await door.enter(t, stage.server, ticket), false)
    })
  ]
}

export const TICKETS: readonly Row[] = DOORS.flatMap(rowsOf)
