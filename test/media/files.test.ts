import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import type { Person, TestServer } from '../kit/helper.ts'
import { fetched, startWithFiles, upload } from './upload.ts'

const jpeg = async (width: number, height: number) =>
  new Uint8Array(
    await sharp({ create: { width, height, channels: 3, background: '#3366cc' } })
      .jpeg()
      .toBuffer()
  )

async function send(server: TestServer, who: Person, conversation: string, message: object) {
  return await server.call(who, 'POST', `/v1/conversations/${conversation}/messages`, message)
}

async function attachmentFor(server: TestServer, who: Person, conversation: string) {
  const { body } = await server.call(who, 'GET', `/v1/conversations/${conversation}/messages`)
  return body.messages.at(-1).attachments?.[0]
}

t.test('a file that is uploaded is kept with its name, and its owner alone fetches it', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { status, body } = await upload(server, ann, 'Hello, file', {
    name: '../../no\u202etes.txt',
    type: 'text/html'
  })
  t.equal(status, 201)
  t.match(body, { type: 'file', fileName: 'notes.txt', fileSize: 11, mimeType: 'text/plain; charset=utf-8' })
  t.match((await server.call(ann, 'GET', `/v1/files/${body.id}`)).body, { id: body.id, fileName: 'notes.txt' })
  t.equal((await server.call(ben, 'GET', `/v1/files/${body.id}`)).status, 404)
  const answer = await fetched(body.url)
  t.equal(answer.status, 200)
  t.equal(answer.bytes.toString(), 'Hello, file')
  t.match(Object.fromEntries(answer.headers), {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="notes.txt"; filename*=UTF-8''notes.txt`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox"
  })
  t.equal((await fetched(body.url.replace(/s=.{4}/, 's=AAAA'))).status, 404, 'a changed address')
  t.equal((await fetched(body.url.split('?')[0])).status, 404, 'no address of anybody')
  const path = new URL(body.url).pathname
  t.equal((await fetched(server.url + path, { authorization: `Bearer ${ann.token}` })).status, 200)
  t.equal((await fetched(server.url + path, { authorization: `Bearer ${ben.token}` })).status, 404)
  t.equal((await upload(server, undefined, 'x')).status, 401)
})

t.test(
  'a picture is turned upright, loses where it was taken, and gets two smaller ones and a blurred one',
  async t => {
    const server = await startWithFiles(t)
    const ann = await server.person()
    const taken = await sharp(await jpeg(1_600, 1_000))
      .withExif({ IFD0: { Make: 'SecretCamera' }, IFD3: { GPSLatitude: '52/1 30/1 0/1' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer()
    const { status, body } = await upload(server, ann, new Uint8Array(taken), { name: 'x.png' })
    t.equal(status, 201)
    t.match(body, { type: 'image', mimeType: 'image/jpeg', width: 1_000, height: 1_600, thumbhash: /^.{20,40}$/ })
    const original = await fetched(body.url)
    t.equal(original.headers.get('content-type'), 'image/jpeg')
    t.match(original.headers.get('content-disposition'), /^inline/)
    t.notOk(original.bytes.includes('SecretCamera'))
    t.equal((await sharp(original.bytes).metadata()).exif, undefined)
    for (const [address, side] of [
      [body.previewUrl, 1_280],
      [body.thumbnailUrl, 320]
    ]) {
      const { bytes, headers } = await fetched(address)
      t.equal(headers.get('content-type'), 'image/webp')
      t.match(await sharp(bytes).metadata(), {
        format: 'webp',
        height: side,
        width: Math.round((side / 1_600) * 1_000)
      })
    }
  }
)

t.test('members of a conversation see its files, in history and live, and nobody else does', async t => {
  const server = await startWithFiles(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const group = await server.group(ann, ben)
  const file = (await upload(server, ann, await jpeg(400, 300), { name: 'sea.jpg' })).body
  const socket = await server.connect(ben)
  const message = { clientId: 'a', type: 'image', text: 'Look', attachments: [{ type: 'image', url: file.url }] }
  t.equal((await send(server, ann, group, message)).status, 201)
  t.match((await send(server, ann, group, message)).body, { duplicate: true })
  const live = (await socket.next('message:new')).data.attachments[0]
  t.match(live, { type: 'image', fileName: 'sea.jpg', width: 400, height: 300, mimeType: 'image/jpeg' })
  t.match(live.url, /\?c=[0-9a-f]{24}&e=/, 'the address of an event names the conversation')
  t.equal((await fetched(live.thumbnailUrl)).status, 200)
  const bens = await attachmentFor(server, ben, group)
  t.match(bens.url, new RegExp(`u=${ben.hex}&c=`), 'that of an answer its reader')
  t.equal((await attachmentFor(server, ben, group)).url, bens.url, 'it stays the same')
  t.equal((await fetched(bens.url)).status, 200)
  t.equal((await fetched(bens.url.replace(ben.hex, cleo.hex))).status, 404, 'by another person')
  const stolen = { clientId: 'b', type: 'image', attachments: [{ type: 'image', url: bens.url }] }
  const other = await server.direct(cleo, ann)
  t.match(await send(server, cleo, other, stolen), { status: 404, body: { error: { code: 'not_found' } } })
  await server.call(ann, 'DELETE', `/v1/conversations/${group}/members/${ben.id}`)
  t.equal((await fetched(bens.url)).status, 404, 'who was removed')
})

t.test('a file goes with its message, and one that is still in another stays', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const [group, direct] = [await server.group(ann, ben), await server.direct(ann, ben)]
  const file = (await upload(server, ann, 'twice')).body
  const attachments = [{ type: 'file', url: file.url }]
  const first = (await send(server, ann, group, { clientId: 'a', type: 'file', attachments })).body
  const seen = await attachmentFor(server, ben, group)
  const forwarded = { clientId: 'b', type: 'file', attachments: [{ type: 'file', url: seen.url }] }
  t.equal((await send(server, ben, direct, forwarded)).status, 201, 'who sees it may send it on')
  const gone = await server.call(ann, 'DELETE', `/v1/conversations/${group}/messages/${first.id}?scope=everyone`)
  t.equal(gone.status, 200)
  t.equal((await fetched(seen.url)).status, 404)
  t.equal((await fetched((await attachmentFor(server, ann, direct)).url)).status, 200)
})

t.test('parts of a file are fetched by range, and what the client has is not sent again', async t => {
  const server = await startWithFiles(t)
  const ann = await server.person()
  const { url } = (await upload(server, ann, '0123456789')).body
  const { headers } = await fetched(url)
  const etag = headers.get('etag') ?? ''
  const ask = async (asked: Record<string, string>) => {
    const { status, bytes, headers } = await fetched(url, asked)
    return [status, bytes.toString(), headers.get('content-range')]
  }
  t.same(await ask({ range: 'bytes=2-4' }), [206, '234', 'bytes 2-4/10'])
  t.same(await ask({ range: 'bytes=-3' }), [206, '789', 'bytes 7-9/10'])
  t.same(await ask({ range: 'bytes=20-' }), [416, '', 'bytes */10'])
  t.same(await ask({ range: 'bytes=0-1,3-4' }), [200, '0123456789', null])
  t.same(await ask({ range: 'nonsense' }), [200, '0123456789', null])
  t.same(await ask({ range: 'bytes=2-4', 'if-range': '"other"' }), [200, '0123456789', null])
  t.same(await ask({ range: 'bytes=2-4', 'if-range': etag }), [206, '234', 'bytes 2-4/10'])
  t.equal((await fetched(url, { 'if-none-match': `"x", ${etag}` })).status, 304)
  const head = await fetch(url, { method: 'HEAD' })
  t.same([head.status, head.headers.get('content-length'), await head.text()], [200, '10', ''])
})

t.test('what is no picture, too large or empty is refused, and nothing of it is kept', async t => {
  const server = await startWithFiles(t, { env: { LIMITS_FILE_MEBIBYTES: '1', LIMITS_FILES_PER_USER_MEBIBYTES: '2' } })
  const ann = await server.person()
  const picture = await jpeg(300, 300)
  const refused: [string, Uint8Array<ArrayBuffer> | string, number, string][] = [
    ['a cut picture', picture.slice(0, 200), 400, 'invalid'],
    ['an empty file', '', 400, 'invalid'],
    ['one that is too large', 'x'.repeat(2 ** 20 + 1), 413, 'too_large'],
    [
      'a picture of many pixels in few bytes',
      new Uint8Array(
        await sharp({ create: { width: 16_000, height: 16_000, channels: 3, background: 'red' } })
          .png({ compressionLevel: 9 })
          .toBuffer()
      ),
      413,
      'too_large'
    ]
  ]
  for (const [what, bytes, status, code] of refused) {
    t.match(await upload(server, ann, bytes), { status, body: { error: { code } } }, what)
  }
  const half = 'y'.repeat(2 ** 20)
  t.same([(await upload(server, ann, half)).status, (await upload(server, ann, half)).status], [201, 201])
  t.match(await upload(server, ann, 'z'), { status: 409, body: { error: { code: 'quota_reached' } } })
  t.match(await upload(server, ann, 'z', { fields: { ownerId: 'x' } }), {
    status: 400,
    body: { error: { code: 'invalid' } }
  })
  const json = await server.call(ann, 'POST', '/v1/files', {})
  t.match(json, { status: 415, body: { error: { code: 'unsupported_media_type' } } })
  const headers = { 'content-type': 'multipart/form-data; boundary=x' }
  for (const body of ['', '--x\r\n', '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhalf']) {
    const { status } = await server.call(ann, 'POST', '/v1/files', body, headers)
    t.equal(status, 400, JSON.stringify(body))
  }
  t.same(await readdir(join(server.folder, 'uploads')), [], 'nothing is left half received')
})

for (const [what, html] of [
  ['HTML', '<!doctype html><script>alert(1)</script>'],
  ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
  ['a page that begins as a GIF', 'GIF89a/*<script>*/=1']
] as const) {
  t.test(`${what} is never shown as a page`, async t => {
    const server = await startWithFiles(t)
    const ann = await server.person()
    const { status, body } = await upload(server, ann, html, { name: 'x.html.png', type: 'image/png' })
    if (status === 400) t.match(body, { error: { code: 'invalid' } })
    else {
      const { headers } = await fetched(body.url)
      t.equal(headers.get('content-type'), 'application/octet-stream')
      t.match(headers.get('content-disposition'), /^attachment/)
    }
  })
}

t.test('G3 messages that are sent one after the other keep their order, though one has a file', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const direct = await server.direct(ann, ben)
  const { url } = (await upload(server, ann, 'In between')).body
  const socket = await server.connect(ann)
  const sends = Array.from({ length: 12 }, (_, index) => {
    const file = { type: 'file', attachments: [{ type: 'file', url }] }
    return { conversationId: direct, clientId: `c${index}`, text: `${index}`, ...(index % 3 === 1 ? file : {}) }
  })
  // All of them before the first is answered.
  const sent = await Promise.all(sends.map(async data => await socket.ask('message:send', data)))
  t.same(
    sent.map(({ seq }) => seq),
    sends.map((_, index) => index + 1)
  )
})

/** Begins an upload and sends no more of it. */
async function stalled(server: TestServer, who: Person): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const part = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhalf'
  const head = `POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${who.token}\r\n`
  socket.write(`${head}content-type: multipart/form-data; boundary=x\r\ncontent-length: 1000\r\n\r\n${part}`)
  return socket
}

t.test('uploads that are given up, under way or in the line, keep nobody from the next one', async t => {
  const server = await startWithFiles(t, { env: { LIMITS_UPLOADS_AT_ONCE: '2' } })
  const ann = await server.person()
  for (let round = 0; round < 3; round++) {
    const sockets = await Promise.all([stalled(server, ann), stalled(server, ann), stalled(server, ann)])
    while ((await readdir(join(server.folder, 'uploads')).catch(() => [])).length < 2)
      await server.call(ann, 'GET', '/v1/auth/me')
    // The one in the line first.
    for (const socket of sockets.reverse()) socket.destroy()
  }
  t.equal((await upload(server, ann, 'The next one')).status, 201)
  while ((await readdir(join(server.folder, 'uploads'))).length > 0) await server.call(ann, 'GET', '/v1/auth/me')
  t.pass('nothing is left half received')
})

t.test('HEAD of a file reads nothing of it, and what is not there is not found', async t => {
  const server = await startWithFiles(t)
  const ann = await server.person()
  const { body } = await upload(server, ann, 'Gone from the disk')
  await rm(join(server.folder, 'files'), { recursive: true })
  t.equal((await fetch(body.url, { method: 'HEAD' })).status, 200)
  const { status, headers } = await fetched(body.url)
  t.equal(status, 404)
  t.equal(headers.get('etag'), null)
})
