import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { allowLong, endSlowBodies } from '../../src/faces/http/bodies/slow-bodies.ts'
import { answerUnreadable } from '../../src/faces/http/errors.ts'

/** Time of a body, or of a pause in a form, in these tests; and a time that is longer, ms. */
const SHORT_MS = 50
const LONG_MS = 200
const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n'

t.test('a body that does not come is answered by a timeout, and its connection ended', async t => {
  const { say, answer } = await talkTo(t, request => void request.resume())
  say(`${HEAD}12345`)
  t.match(await answer, /^HTTP\/1\.1 408 .*"error":{"code":"timeout"/s)
})

t.test('the answer to a body that is there may take longer', async t => {
  const { say, answer } = await talkTo(t, async (request, response) => {
    request.resume()
    await sleep(LONG_MS)
    response.end('ok')
  })
  say(`${HEAD}1234567890`)
  t.match(await answer, /^HTTP\/1\.1 200 .*ok$/s)
})

t.test('a form may take longer than other bodies', async t => {
  const { say, answer } = await talkTo(t, async (request, response) => {
    allowLong(request)
    await request.toArray()
    response.end('ok')
  })
  say(`${HEAD}12345`)
  await sleep(LONG_MS)
  say('67890')
  t.match(await answer, /^HTTP\/1\.1 200 .*ok$/s)
})

t.test('a form that pauses for too long is given up', async t => {
  const { say, answer } = await talkTo(t, request => {
    allowLong(request, SHORT_MS)
    request.on('error', () => undefined).resume()
  })
  say(`${HEAD}12345`)
  t.equal(await answer, '')
})

t.test('the answer to a form may take longer than a pause in it', async t => {
  const { say, answer } = await talkTo(t, async (request, response) => {
    const isThere = allowLong(request, SHORT_MS)
    await request.toArray()
    isThere()
    await sleep(LONG_MS)
    response.end('ok')
  })
  say(`${HEAD}1234567890`)
  t.match(await answer, /^HTTP\/1\.1 200 .*ok$/s)
})

/** A connection to a server that ends slow bodies. @returns how to say more, and all that the server says */
async function talkTo(t: Test, listener: RequestListener) {
  const server = createServer(listener).on('clientError', answerUnreadable)
  endSlowBodies(server, SHORT_MS)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  let said = ''
  socket.setEncoding('latin1').on('data', data => {
    said += data
  })
  const answer = once(
    socket.on('error', () => undefined),
    'close'
  ).then(() => said)
  return { say: (text: string) => void socket.write(text), answer }
}
