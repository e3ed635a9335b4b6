import sharp from 'sharp'
import t from 'tap'
import type { Person } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { fetched, startWithFiles, upload } from '../media/upload.ts'
import { wavOf } from '../media/wav.ts'

const picture = async () =>
  new Uint8Array(
    await sharp({ create: { width: 640, height: 480, channels: 3, background: '#aa3322' } })
      .jpeg()
      .toBuffer()
  )

t.test('0.13 a picture is uploaded and sent by the app of document 0, by its content and not by its name', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const direct = (await server.direct(ann, ben)).slice(-24)
  const sent = await upload(server, ann, await picture(), { name: 'x.txt', type: 'text/plain', path: '/upload/image' })
  t.match(sent, {
    status: 201,
    body: { success: true, data: { type: 'image', fileName: 'x.txt', mimeType: 'image/jpeg', width: 640, height: 480 } }
  })
  t.equal((await fetched(sent.body.data.thumbnailUrl)).headers.get('content-type'), 'image/webp')
  const app = await PacketClient.open(t, server.url, { namespace: '/mobile', auth: { token: ann.token } })
  const { url } = sent.body.data
  const message = { conversationId: direct, type: 'image', content: '', attachments: [{ type: 'image', url }] }
  const { data } = await app.ask('message:send', message)
  t.match(data.attachments, [{ type: 'image', fileName: 'x.txt', width: 640, thumbnailUrl: /thumbnail\?/ }])
  t.equal((await fetched(data.attachments[0].thumbnailUrl)).status, 200)
  const words = await upload(server, ann, 'Words', { name: 'x.jpg', type: 'image/jpeg', path: '/upload/image' })
  t.match(words, { status: 400, body: { success: false, error: { code: 'invalid' } } })
})

t.test('1.6 a voice message and a file are uploaded and sent at once, to a conversation or a person', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = (await server.direct(ann, ben)).slice(-24)
  const fields = { conversationId, clientId: 'v1', waveform: '[0, 50, 100]' }
  const asked = { name: 'voice.wav', path: '/messages/voice', fields }
  const voice = await upload(server, ann, wavOf(2), asked)
  t.match(voice, {
    status: 201,
    body: {
      data: {
        type: 'voice',
        clientId: 'v1',
        attachments: [{ type: 'voice', duration: 2, waveform: Array(100).fill(0) }]
      }
    }
  })
  t.equal((await upload(server, ann, wavOf(2), asked)).status, 409, 'another file under the same clientId')
  const to = { name: 'plan.txt', path: '/messages/upload', fields: { to: ben.hex, text: 'The plan' } }
  const file = await upload(server, ann, 'Step one', to)
  t.match(file.body.data, { type: 'file', text: 'The plan', attachments: [{ name: 'plan.txt', size: 8 }] })
  const bens = (await server.call(ben, 'GET', `/messages?conversationId=${conversationId}`)).body.data
  const own = bens.find(({ id }: { id: string }) => id === file.body.data.id).attachments[0]
  t.equal((await fetched(own.url)).bytes.toString(), 'Step one')
  const bad: [string, object][] = [
    ['no sound', { bytes: 'text', path: '/messages/voice', fields: { conversationId } }],
    ['nobody', { bytes: 'text', path: '/messages/upload', fields: {} }],
    ['no numbers', { bytes: 'text', path: '/messages/upload', fields: { conversationId, waveform: '["x"]' } }]
  ]
  for (const [what, { bytes, ...rest }] of bad as [string, { bytes: string }][]) {
    t.match(await upload(server, ann, bytes, rest), { status: 400, body: { error: { code: 'invalid' } } }, what)
  }
  const foreign = { path: '/messages/upload', fields: { conversationId: 'a'.repeat(24) } }
  t.equal((await upload(server, ann, 'x', foreign)).status, 404)
})

t.test('2.7 4.10 a picture that one app sends opens in every other app', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const direct = await server.direct(ann, ben)
  const conversationId = direct.slice(-24)
  const { url } = (await upload(server, ann, await picture())).body
  const attachments = [{ type: 'image', url }]
  const sends: [string, string, object][] = [
    ['canonical', `/v1/conversations/${direct}/messages`, { clientId: 'a', type: 'image', attachments }],
    ['unified', '/messages', { conversationId, type: 'image', attachments }],
    ['chatapp', '/api/messages', { conversationId: direct, type: 'image', media: { url } }],
    ['reals2chat', '/api/messages/send', { recipientId: ben.hex, attachment: { type: 'image', url } }],
    ['taatom', `/api/v1/chat/${ben.hex}/messages`, { attachments }]
  ]
  for (const [app, path, body] of sends) t.equal((await server.call(ann, 'POST', path, body)).status < 300, true, app)
  const lists: [string, string][] = [
    ['canonical', `/v1/conversations/${direct}/messages`],
    ['mobile', `/mobile/messages?conversationId=${conversationId}`],
    ['unified', `/unified/messages?conversationId=${conversationId}`],
    ['chatapp', `/chatapp/api/messages/${direct}`],
    ['reals2chat', `/reals2chat/api/messages/${ann.hex}`],
    ['taatom', `/taatom/api/v1/chat/${ann.hex}/messages`]
  ]
  for (const [app, path] of lists) {
    const { status, text } = await server.call(ben, 'GET', path)
    t.equal(status, 200, `${app}: ${text}`)
    const addresses = [...text.matchAll(/"(http[^"]*\/original\?[^"]*)"/g)].map(([, address = '']) => address)
    t.equal(addresses.length >= sends.length, true, `${app}: ${addresses.length}`)
    for (const address of addresses) t.equal((await fetched(address)).status, 200, app)
  }
})
