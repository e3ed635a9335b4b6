import t from 'tap'
import { CURSORS_FRAME_BYTES, MAX_CURSORS } from '../../protocol/limits.ts'
import { joinServer } from '../kit/helper.ts'
import type { Frame } from '../kit/socket-client.ts'

const cursorsOf = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`conv_${n.toString(16).padStart(24, '0')}`, Number.MAX_SAFE_INTEGER])
  )

t.test('U03: as many cursors as are promised fit, and what is too large is told so', async t => {
  const server = await joinServer(t)
  const { token } = await server.person()
  const cursors = cursorsOf(MAX_CURSORS)
  const socket = await server.socket()
  const hello = await socket.ask('hello', { token: token.padEnd(8_192, ' ').trim(), cursors })
  t.equal(hello.gone.length, MAX_CURSORS)
  t.equal((await socket.ask('sync:heads', { cursors })).gone.length, MAX_CURSORS)
  t.match(await socket.refused('sync:heads', { cursors: cursorsOf(MAX_CURSORS + 1) }), { code: 'invalid' })
  t.match(await socket.ask('ping'), { serverTime: String }, 'the connection stays')
  const id = socket.say('message:send', { text: 'x'.repeat(70_000) })
  t.match(await socket.next((frame: Frame) => frame.id === id), {
    ok: false,
    error: { code: 'too_large', retry: 'no' }
  })
  t.match(await socket.closed, { code: 1009, reason: 'too_large' })
  const early = await server.socket()
  t.match(await early.refused('ping', { text: 'x'.repeat(70_000) }), { code: 'too_large' })
  t.equal((await early.closed).code, 1009)
  const larger = await server.socket()
  larger.say('hello', { token: 'x'.repeat(CURSORS_FRAME_BYTES) })
  t.equal((await larger.closed).code, 1009)
})
