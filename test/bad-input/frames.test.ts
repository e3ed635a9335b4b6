import { once } from 'node:events'
import t from 'tap'
import { CLOSE } from '../../protocol/close.ts'
import { frame } from '../kit/frames.ts'
import type { SocketClient } from '../kit/socket-client.ts'
import { rawSocket } from './bytes.ts'
import { NOBODY, scene, unharmed } from './scene.ts'

t.test('Socket: frames that break the rules of WebSockets', async t => {
  const it = await scene(t)
  const { server, ann } = it
  const ping = JSON.stringify({ v: 1, id: '1', type: 'ping' })
  const table: [string, Buffer[], number][] = [
    ['W9 no UTF-8', [frame(0x81, Buffer.from([0xff, 0xfe]))], 1007],
    ['W9 no UTF-8 in a reason', [frame(0x88, Buffer.from([0x03, 0xe8, 0xff]))], 1007],
    ['W11 binary', [frame(0x82, ping)], 1003],
    ['W12 not masked', [frame(0x81, ping, { isMasked: false })], 1002],
    ['W12 RSV1', [frame(0xc1, ping)], 1002],
    ['W12 opcode 3', [frame(0x83, ping)], 1002],
    ['W12 opcode 11', [frame(0x8b, ping)], 1002],
    ['W12 a ping in parts', [frame(0x09, 'x')], 1002],
    ['W12 a long ping', [frame(0x89, 'x'.repeat(126))], 1002],
    ['W12 a part of nothing', [frame(0x80, 'x')], 1002],
    ['W12 text within parts', [frame(0x01, 'x'), frame(0x81, 'x')], 1002],
    ['W13 a byte too many', [frame(0x81, 'x'.repeat(65_537))], 1009],
    ['W13 declared 2 GiB', [frame(0x81, '', { declared: 2 ** 31 })], 1009],
    ['W13 too large in parts', [frame(0x01, 'x'.repeat(40_000)), frame(0x80, 'x'.repeat(40_000))], 1009],
    ['W14 endless parts', [frame(0x01, ''), ...Array.from({ length: 1_000 }, () => frame(0x00, ''))], 1008],
    ['W15 close with half a code', [frame(0x88, 'x')], 1002],
    ['W15 close with 999', [frame(0x88, Buffer.from([0x03, 0xe7]))], 1002],
    ['W15 close with 1005', [frame(0x88, Buffer.from([0x03, 0xed]))], 1002],
    ['W15 close with nothing', [frame(0x88, '')], 1005],
    ['W15 close with 4000', [frame(0x88, Buffer.from([0x0f, 0xa0]))], 4000]
  ]
  await unharmed(t, it, async () => {
    for (const [name, frames, code] of table) {
      const { socket, closed } = await rawSocket(server, ann)
      for (const bytes of frames) socket.write(bytes)
      t.equal(await closed, code, name)
    }
    const { socket } = await rawSocket(server, ann)
    const text = Buffer.from(JSON.stringify({ v: 1, id: 'é', type: 'ping' }))
    const cut = text.indexOf(0xc3) + 1
    socket.write(Buffer.concat([frame(0x01, text.subarray(0, cut)), frame(0x80, text.subarray(cut))]))
    const [answer] = await once(socket, 'data')
    t.match(String(answer), /bad_frame/, 'W10 a letter over two parts is read, and is no id')
    socket.destroy()
  })
})

t.test('Socket: frames that are no commands', async t => {
  const it = await scene(t)
  const { server, ann } = it
  const bad: [string, string][] = [
    ['W16 not JSON', 'x'],
    ['W16 an array', '[]'],
    ['W16 text', '"x"'],
    ['W16 null', 'null'],
    ['W19 an id too long', JSON.stringify({ v: 1, id: 'x'.repeat(65), type: 'ping' })],
    ['W19 an id that is a number', JSON.stringify({ v: 1, id: 5, type: 'ping' })],
    ['W18 no type', JSON.stringify({ v: 1, id: '1' })],
    ['W18 a type that is an operator', JSON.stringify({ v: 1, id: '1', type: { $ne: 1 } })],
    ['W22 60 KB of brackets', '['.repeat(60_000)]
  ]
  const refusedBy = async (socket: SocketClient, text: string) => {
    socket.ws.send(text)
    return (await socket.next(it => it.ok === false)).error
  }
  await unharmed(t, it, async () => {
    for (const [name, text] of bad) {
      const socket = await server.connect(ann)
      t.match(await refusedBy(socket, text), { code: 'bad_frame', retry: 'no' }, name)
      t.match(await socket.ask('ping'), { serverTime: String }, `${name}: it stays`)
      await refusedBy(socket, text)
      socket.ws.send(text)
      t.equal((await socket.closed).code, CLOSE.bad_frame, `${name}: the third closes`)
    }
    for (const v of [undefined, 2, '1', null]) {
      const socket = await server.connect(ann)
      t.match(
        await refusedBy(socket, JSON.stringify({ v, id: '1', type: 'ping' })),
        { code: 'unsupported_version' },
        `W17 v ${v}`
      )
      t.equal((await socket.closed).code, CLOSE.unsupported_version)
    }
    const socket = await server.connect(ann)
    for (const type of ['no:such', '__proto__', 'constructor', 'toString', '']) {
      t.match(await socket.refused(type), { code: 'unknown_type' }, `W18 ${type}`)
    }
    for (const data of ['{"__proto__":{"a":1}}', '[]', 'null', '"x"', '5']) {
      t.match(
        await refusedBy(socket, `{"v":1,"id":"p","type":"ping","data":${data}}`),
        { code: 'invalid' },
        `W20 ${data}`
      )
    }
    const deep = `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`
    t.match(
      await refusedBy(socket, `{"v":1,"id":"d","type":"ping","data":${deep}}`),
      { code: 'too_large' },
      'W22 nested'
    )
  })
})

t.test('Socket: ids and cursors', async t => {
  const it = await scene(t)
  const { server, ann, conversationId } = it
  await unharmed(t, it, async () => {
    const bare = await server.connect(ann)
    bare.ws.send(JSON.stringify({ v: 1, type: 'history:get', data: { conversationId } }))
    t.match((await bare.next(it => it.ok === false)).error, { code: 'bad_frame' }, 'W19 no id')
    const twice = await server.connect(ann)
    for (let index = 0; index < 2; index += 1) twice.say('history:get', { conversationId }, 'same')
    t.match(await twice.next(it => it.ok === false), { id: 'same', error: { code: 'conflict' } }, 'W19 an id under way')
    t.match(await twice.next(it => it.id === 'same'), { ok: true })
    for (const cursors of [
      { [conversationId]: -1 },
      { [conversationId]: 1.5 },
      { x: 1 },
      { [conversationId]: '1' },
      []
    ]) {
      t.match(await twice.refused('sync:heads', { cursors }), { code: 'invalid' }, `W27 ${JSON.stringify(cursors)}`)
    }
    t.match(
      await twice.refused('sync:pull', { stream: conversationId, since: 999 }),
      { code: 'invalid' },
      'W27 beyond the head'
    )
    t.match(
      await twice.refused('sync:pull', { stream: `conv_${NOBODY}`, since: 0 }),
      { code: 'not_found' },
      'W27 foreign'
    )
    const strange = await twice.ask('sync:heads', { cursors: { [`conv_${NOBODY}`]: 3 } })
    t.same(strange.gone, [`conv_${NOBODY}`], 'W27 a cursor of what is not there')
  })
})
