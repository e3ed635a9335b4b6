import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { untilReleased } from '../kit/device-cursors.ts'
import type { Person, TestServer } from '../kit/helper.ts'
import { joinServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import type { SocketClient } from '../kit/socket-client.ts'

/** A device of somebody that is connected: the texts of the messages it was sent. */
interface Line {
  readonly texts: () => string[]
  readonly hear: (text: string) => Promise<void>
  readonly close: () => void
}
type Open = (t: Test, server: TestServer, token: string) => Promise<Line>

const WAYS: Readonly<Record<string, Open>> = {
  'socket.io 4': async (t, server, token) => await openPacket(t, server, { auth: { token } }),
  'socket.io 4 by polling': async (t, server, token) =>
    await openPacket(t, server, { auth: { token }, transports: ['polling'] }),
  'socket.io 2': async (t, server, token) => await openPacket(t, server, { version: 2, query: { auth: token } }),
  'a raw socket': async (_t, server, token) => {
    const socket = await server.socket('/ws?dialect=unified', { authorization: `Bearer ${token}` })
    return await lineOf(socket)
  }
}

for (const [way, open] of Object.entries(WAYS)) {
  t.test(`on connecting each device is sent once what it has not been delivered, by ${way}`, async t => {
    const server = await joinServer(t)
    const ann = (await server.people(1))[0] as Person
    const [ben, onPhone, onLaptop, laptopSession] = await twoDevices(server)
    const cursors = (await openDatabase(t, server.uri)).db().collection('deviceCursors')
    const [direct, group] = [await server.direct(ann, ben), await server.group(ann, ben)]
    const a = await server.connect(ann)
    const say = async (conversationId: string, text: string): Promise<number> => {
      return (await a.ask('message:send', { conversationId, clientId: text, text })).seq
    }
    const whenDelivered = async (stream: string, seq: number) =>
      await a.next(
        it => it.type === 'receipt:delivered' && it.data.conversationId === stream && it.data.deliveredSeq >= seq
      )

    /** The sender is told before the laptop's cursor is written. */
    // A conversation begins with a change, and each message here makes one.
    const device = `unified:${laptopSession.slice(-24)}`
    const whenNoted = async (stream: string, seq: number) => {
      const isNoted = { device, [`conversations.${stream.slice(-24)}`]: { $gte: seq + 1 } }
      while ((await cursors.findOne(isNoted)) === null) await sleep(5)
    }
    const leave = async (line: Line) => {
      line.close()
      await untilReleased(cursors, device)
    }

    await say(direct, 'before')
    const [phone, laptop] = [await open(t, server, onPhone), await open(t, server, onLaptop)]
    await phone.hear('before')
    await leave(laptop)
    await say(direct, 'one')
    await whenDelivered(direct, await say(direct, 'two'))
    await whenDelivered(group, await say(group, 'three'))

    const again = await open(t, server, onLaptop)
    await again.hear('three')
    await again.hear('two')
    const missed = again.texts()
    t.same(
      missed.filter(it => !['before', 'The group was created'].includes(it)).sort(),
      ['one', 'three', 'two'],
      'each once, though the phone has had them'
    )
    t.ok(missed.indexOf('one') < missed.indexOf('two'), 'in order')
    phone.close()
    const four = await say(direct, 'four')
    await again.hear('four')
    await whenNoted(direct, four)
    await leave(again)
    const third = await open(t, server, onLaptop)
    const five = await say(group, 'five')
    await third.hear('five')
    await whenNoted(group, five)
    await leave(third)

    const [fourth, phoneAgain] = [await open(t, server, onLaptop), await open(t, server, onPhone)]
    await say(direct, 'last')
    for (const line of [fourth, phoneAgain]) await line.hear('last')
    t.same([third.texts(), fourth.texts()], [['five'], ['last']], 'what has arrived does not come again')
    t.same(phoneAgain.texts().sort(), ['five', 'four', 'last'], 'the phone was away for two')
  })
}

/** Sign a person in twice. @returns the person, the token of each, and the session of the second */
async function twoDevices(server: TestServer): Promise<[Person, string, string, string]> {
  const username = `ben${Date.now()}`
  const { user, accessToken } = await server.signUp({ username })
  const login = { username, password: 'correct horse battery' }
  const other = (await server.call(undefined, 'POST', '/v1/auth/login', login)).body
  const ben = { id: user.id, hex: user.id.slice(5), token: accessToken }
  return [ben, accessToken, other.accessToken, other.sessionId]
}

async function openPacket(t: Test, server: TestServer, options: object): Promise<Line> {
  const client = await PacketClient.open(t, server.url, options)
  // Answered when it has caught up.
  await client.ask('typing', {})
  return {
    texts: () => client.heard.filter(({ name }) => name === 'receive-message').map(({ data }) => data.content),
    hear: async text => void (await client.hear('receive-message', ({ content }) => content === text)),
    close: () => void client.socket.close()
  }
}

async function lineOf(socket: SocketClient): Promise<Line> {
  const heard = [...socket.frames]
  socket.ws.on('message', data => heard.push(JSON.parse(String(data))))
  await socket.refused('typing', {})
  return {
    texts: () => heard.filter(({ type }) => type === 'receive-message').map(({ data }) => data.content),
    hear: async text => void (await socket.next(it => it.type === 'receive-message' && it.data.content === text)),
    close: () => socket.terminate()
  }
}
