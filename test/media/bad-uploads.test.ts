import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { ObjectId } from 'mongodb'
import t from 'tap'
import { FileStore } from '../../src/media/store.ts'
import { UploadLocks } from '../../src/media/uploads/locks.ts'
import { openDatabase } from '../kit/databases.ts'
import type { Person, TestServer } from '../kit/helper.ts'
import { begin, offsetOf, received, send, stalled, tus } from './tus.ts'
import { fetched, startWithFiles, upload } from './upload.ts'

const BYTES = { 'content-type': 'application/offset+octet-stream' }

/** Bytes of somebody that count, and files half received. */
async function leftOf(t: Parameters<typeof openDatabase>[0], server: TestServer & { readonly folder: string }) {
  const client = await openDatabase(t, server.uri)
  const files = new FileStore(client, client.db())
  return async ({ hex }: Person) => [
    await files.usageOf(new ObjectId(hex)),
    (await readdir(join(server.folder, 'uploads')).catch(() => [])).length
  ]
}

/** Sends bytes whose length nobody has said. */
async function sendChunks(server: TestServer, who: Person, path: string, chunks: readonly string[]) {
  const headers = { authorization: `Bearer ${who.token}`, 'tus-resumable': '1.0.0', ...BYTES, 'upload-offset': '0' }
  const asked = request(`${server.url}${path}`, { method: 'PATCH', headers, agent: false })
  const answered = once(asked, 'response')
  for (const chunk of chunks) await new Promise(resolve => asked.write(chunk, resolve))
  asked.end()
  const [response] = await answered
  response.resume()
  return response.statusCode
}

t.test('what is no proper beginning is refused, and nothing of it is kept', async t => {
  const server = await startWithFiles(t, { env: { LIMITS_FILE_MEBIBYTES: '1' } })
  const leftFor = await leftOf(t, server)
  const ann = await server.person()
  const length = { 'upload-length': '5' }
  const refused: [string, Record<string, string>, number, string][] = [
    ['no length', {}, 400, 'invalid'],
    ['an empty file', { 'upload-length': '0' }, 400, 'invalid'],
    ...['-1', 'NaN', '1e3', '0x10', '1.5', '05', ' ', '9'.repeat(40)].map(
      (it): [string, Record<string, string>, number, string] => [
        `length ${it}`,
        { 'upload-length': it },
        400,
        'invalid'
      ]
    ),
    ['one byte too many', { 'upload-length': String(2 ** 20 + 1) }, 413, 'too_large'],
    ['2^53', { 'upload-length': String(2 ** 53) }, 413, 'too_large'],
    ['no version', { ...length, 'tus-resumable': '' }, 412, 'precondition_failed'],
    ['another version', { ...length, 'tus-resumable': '0.2.2' }, 412, 'precondition_failed'],
    ['a length that comes later', { 'upload-defer-length': '1' }, 400, 'invalid'],
    ['parts', { ...length, 'upload-concat': 'partial' }, 400, 'invalid'],
    ['metadata that are no base64', { ...length, 'upload-metadata': 'filename %%%' }, 400, 'invalid'],
    ['metadata that are no names', { ...length, 'upload-metadata': '__proto__ YQ==' }, 400, 'invalid'],
    ['metadata twice', { ...length, 'upload-metadata': 'filename YQ==,filename YQ==' }, 400, 'invalid'],
    ['metadata without end', { ...length, 'upload-metadata': `filename ${'YWFh'.repeat(600)}` }, 400, 'invalid']
  ]
  for (const [what, headers, status, code] of refused) {
    const answer = await tus(server, ann, 'POST', '/v1/uploads', headers)
    t.match(answer, { status, body: { error: { code, requestId: String } } }, what)
    t.equal(answer.headers.get('tus-version'), '1.0.0')
  }
  t.equal((await tus(server, undefined, 'POST', '/v1/uploads', length)).status, 401)
  t.same(await leftFor(ann), [0, 0])
})

t.test('names are plain, whatever the client calls its file', async t => {
  const server = await startWithFiles(t)
  const ann = await server.person()
  const names: [string | undefined, string][] = [
    [undefined, 'file'],
    ['filename', 'file'],
    ['filename ', 'file'],
    [`filename ${Buffer.from('C:\\evil\\a.html.png\0').toString('base64')}`, 'a.html.png'],
    [`filename ${Buffer.from([0xff, 0xfe]).toString('base64')}`, '\ufffd\ufffd'],
    [`name YQ==,filename ${Buffer.from('b').toString('base64')}`, 'b']
  ]
  for (const [metadata, fileName] of names) {
    const path = await begin(server, ann, 1, metadata === undefined ? {} : { 'upload-metadata': metadata })
    t.match((await send(server, ann, path, 0, 'x')).body, { fileName }, fileName)
  }
})

t.test('what is no proper continuation is refused, and the upload stays as it is', async t => {
  const server = await startWithFiles(t)
  const ann = await server.person()
  const path = await begin(server, ann, 10)
  await send(server, ann, path, 0, '0123')
  const refused: [string, Record<string, string>, string, number, string][] = [
    ['no offset', BYTES, 'x', 400, 'invalid'],
    ['an offset that is none', { ...BYTES, 'upload-offset': '-1' }, 'x', 400, 'invalid'],
    ['an offset behind', { ...BYTES, 'upload-offset': '3' }, 'x', 409, 'conflict'],
    ['an offset ahead', { ...BYTES, 'upload-offset': '5' }, 'x', 409, 'conflict'],
    ['another type', { 'upload-offset': '4', 'content-type': 'application/json' }, '{}', 415, 'unsupported_media_type'],
    ['a form', { 'upload-offset': '4', 'content-type': 'multipart/form-data' }, 'x', 415, 'unsupported_media_type'],
    ['no type', { 'upload-offset': '4', 'content-type': '' }, 'x', 415, 'unsupported_media_type'],
    ['another version', { ...BYTES, 'upload-offset': '4', 'tus-resumable': '2.0.0' }, 'x', 412, 'precondition_failed'],
    ['more than was announced', { ...BYTES, 'upload-offset': '4' }, 'x'.repeat(7), 413, 'too_large']
  ]
  for (const [what, headers, body, status, code] of refused) {
    t.match(await tus(server, ann, 'PATCH', path, headers, body), { status, body: { error: { code } } }, what)
    t.equal(await offsetOf(server, ann, path), 4, what)
  }
  t.equal((await tus(server, ann, 'HEAD', path, { 'tus-resumable': '2.0.0' })).status, 412)
  t.equal((await tus(server, ann, 'HEAD', '/v1/uploads/x')).status, 400)
  t.equal((await send(server, ann, path, 4, '456789')).status, 200)
  t.match(await send(server, ann, path, 4, '456789'), { status: 409, body: { error: { code: 'conflict' } } })
  t.match(await send(server, ann, path, 10, 'x'), { status: 413, body: { error: { code: 'too_large' } } })
  t.match(await send(server, ann, path, 10, ''), { status: 200, body: { fileSize: 10 } })
  const long = await begin(server, ann, 5)
  t.equal(await sendChunks(server, ann, long, ['0123', '4567']), 413)
  t.ok([0, 4].includes(Number(await offsetOf(server, ann, long))))
})

t.test('a body that stops, or is shorter than it says, leaves what came', async t => {
  const server = await startWithFiles(t)
  const ann = await server.person()
  const path = await begin(server, ann, 10)
  const socket = await stalled(server, ann, path, { length: 10, body: '012' })
  await received(server, path, 3)
  socket.destroy()
  t.equal(await offsetOf(server, ann, path), 3)
  const lying = await stalled(server, ann, path, { offset: 3, length: 7, body: '34' })
  lying.resume()
  lying.end()
  await once(lying, 'close')
  const offset = Number(await offsetOf(server, ann, path))
  t.ok(offset >= 3 && offset <= 5)
  const { body } = await send(server, ann, path, offset, '0123456789'.slice(offset))
  t.equal((await fetched(body.url)).bytes.toString(), '0123456789')
})

t.test('uploads that are given up, under way or in the line, keep nobody from going on', async t => {
  const server = await startWithFiles(t, { env: { LIMITS_UPLOADS_AT_ONCE: '1' } })
  const ann = await server.person()
  const [first, second, third] = await Promise.all([1, 2, 3].map(async () => await begin(server, ann, 10)))
  const going = await stalled(server, ann, first ?? '', { length: 10, body: '0123' })
  await received(server, first ?? '', 4)
  const waiting = await stalled(server, ann, second ?? '', { length: 10, body: '01234' })
  const answer = send(server, ann, third ?? '', 0, '0123456789')
  for (let look = 0; look < 5; look++) await server.call(ann, 'GET', '/v1/auth/me')
  waiting.destroy()
  going.destroy()
  t.equal((await answer).status, 200)
  t.equal((await send(server, ann, first ?? '', 4, '456789')).status, 200)
  const offset = Number(await offsetOf(server, ann, second ?? ''))
  t.equal((await send(server, ann, second ?? '', offset, '0123456789'.slice(offset))).status, 200)
})

t.test('the uploads of others are not there, and nobody stops them', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const path = await begin(server, ann, 1_000)
  const going = await stalled(server, ann, path, { body: 'half' })
  await received(server, path, 4)
  const form = (await upload(server, ann, 'In one form')).body.id
  const nothing = '/v1/uploads/file_eeeeeeeeeeeeeeeeeeeeeeee'
  for (const [who, where] of [
    [ben, path],
    [ben, nothing],
    [ann, nothing],
    [ann, `/v1/uploads/${form}`]
  ] as const) {
    t.equal((await tus(server, who, 'HEAD', where)).status, 404)
    for (const answer of [await send(server, who, where, 0, 'x'), await tus(server, who, 'DELETE', where)])
      t.match(answer, { status: 404, body: { error: { code: 'not_found' } } })
  }
  for (const method of ['HEAD', 'PATCH', 'DELETE'])
    t.equal((await tus(server, undefined, method, path, BYTES)).status, 401)
  t.notOk(going.destroyed)
  going.write('x'.repeat(996))
  const [answer] = await once(going, 'data')
  t.match(String(answer), /^HTTP\/1.1 200/)
  going.destroy()
})

t.test('the quota holds from the beginning, and at the last byte', async t => {
  const server = await startWithFiles(t, {
    env: { LIMITS_FILES_PER_USER_MEBIBYTES: '1', LIMITS_UNFINISHED_UPLOADS: '3' }
  })
  const leftFor = await leftOf(t, server)
  const ann = await server.person()
  const post = async (length: number) => await tus(server, ann, 'POST', '/v1/uploads', { 'upload-length': `${length}` })
  const full = await begin(server, ann, 2 ** 20)
  t.match(await post(1), { status: 409, body: { error: { code: 'quota_reached' } } })
  t.match(await upload(server, ann, 'x'), { status: 409, body: { error: { code: 'quota_reached' } } })
  await tus(server, ann, 'DELETE', full)
  t.equal((await upload(server, ann, 'x')).status, 201)
  // Smaller than what is kept of it.
  const { default: sharp } = await import('sharp')
  const noise = { width: 200, height: 200, channels: 3 as const, noise: { type: 'gaussian' as const, sigma: 90 } }
  const picture = new Uint8Array(
    await sharp({ create: { ...noise, background: '#888' } })
      .png()
      .toBuffer()
  )
  const others = await begin(server, ann, 2 ** 20 - 1 - picture.length)
  const last = await begin(server, ann, picture.length)
  t.match(await send(server, ann, last, 0, picture), { status: 409, body: { error: { code: 'quota_reached' } } })
  t.same(await leftFor(ann), [2 ** 20 - picture.length, 1], 'its room is given back')
  t.equal(await offsetOf(server, ann, last), 404)
  await tus(server, ann, 'DELETE', others)
  const begun = await Promise.all([post(1), post(1), post(1), post(1), post(1)])
  t.same(begun.map(({ status }) => status).sort(), [201, 201, 201, 409, 409], 'so many are unfinished at once')
})

t.test('what its bytes forbid is refused at the last of them, and nothing of it is kept', async t => {
  const server = await startWithFiles(t)
  const leftFor = await leftOf(t, server)
  const ann = await server.person()
  const broken = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1])
  const path = await begin(server, ann, broken.length)
  t.match(await send(server, ann, path, 0, broken), { status: 400, body: { error: { code: 'invalid' } } })
  t.equal(await offsetOf(server, ann, path), 404)
  t.same(await leftFor(ann), [0, 0])
})

t.test('pages of other origins may upload, and OPTIONS tells what is offered', async t => {
  const origin = 'https://app.example'
  const server = await startWithFiles(t, { env: { CORS_ORIGINS: origin } })
  const ann = await server.person()
  const asked = await fetch(`${server.url}/v1/uploads`, { method: 'OPTIONS' })
  t.equal(asked.status, 204)
  t.match(Object.fromEntries(asked.headers), {
    ...{ 'tus-resumable': '1.0.0', 'tus-version': '1.0.0', 'tus-max-size': String(100 * 2 ** 20) },
    'tus-extension': 'creation,creation-with-upload,termination,expiration'
  })
  const names = 'authorization,tus-resumable,upload-length,upload-metadata,upload-offset,content-type'
  const preflight = await fetch(`${server.url}/v1/uploads/file_eeeeeeeeeeeeeeeeeeeeeeee`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'PATCH', 'access-control-request-headers': names }
  })
  t.match(Object.fromEntries(preflight.headers), {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': /PATCH/,
    'access-control-allow-headers': names
  })
  const begun = await tus(server, ann, 'POST', '/v1/uploads', { origin, 'upload-length': '5' })
  t.equal(begun.headers.get('access-control-allow-origin'), origin)
  const exposed = begun.headers.get('access-control-expose-headers') ?? ''
  for (const name of ['Location', 'Tus-Resumable', 'Upload-Offset', 'Upload-Length', 'Upload-Expires'])
    t.match(exposed, name)
})

t.test('the address of an upload begins with the name of the server, where a setting says it', async t => {
  const server = await startWithFiles(t, { env: { PUBLIC_URL: 'https://chat.example/parley/' } })
  t.match(await begin(server, await server.person(), 1), /^https:\/\/chat\.example\/parley\/v1\/uploads\/file_/)
})

t.test('who does not stop is waited for, for a while', async t => {
  const locks = new UploadLocks(50)
  const never = new AbortController().signal
  let asked = 0
  const giveBack = await locks.acquire('a', () => (asked += 1), never)
  await t.rejects(
    locks.acquire('a', () => undefined, never),
    { code: 'locked', retryAfterMs: 1_000 }
  )
  t.equal(asked, 1)
  await t.rejects(
    locks.acquire('a', () => undefined, AbortSignal.abort()),
    { code: 'locked' }
  )
  ;(await locks.acquire('b', () => undefined, never))()
  const next = [1, 2].map(async () => await locks.acquire('a', () => undefined, never))
  giveBack()
  const first = await Promise.race(next)
  first()
  for (const it of await Promise.all(next)) t.type(it, 'function')
})
