import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ObjectId } from 'mongodb'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { Upload } from 'tus-js-client'
import type { DatabaseClock } from '../../src/database/index.ts'
import { Staging } from '../../src/media/receive.ts'
import { DiskStore } from '../../src/media/storage/disk.ts'
import { FileStore } from '../../src/media/store.ts'
import { UnusedFiles } from '../../src/media/unused.ts'
import { FileUses } from '../../src/media/uses/store.ts'
import { CuttingProxy } from '../kit/cutting-proxy.ts'
import { openDatabase } from '../kit/databases.ts'
import type { Person } from '../kit/helper.ts'
import { begin, named, offsetOf, received, send, stalled, tus } from './tus.ts'
import { fetched, startWithFiles } from './upload.ts'

const DAY_MS = 86_400_000

/** A server, what it keeps, and the clean-up as it is so many hours later. */
async function scene(t: Test, env: Record<string, string> = {}) {
  const server = await startWithFiles(t, { env })
  const client = await openDatabase(t, server.uri)
  const rows = client.db().collection('files')
  const files = new FileStore(client, client.db())
  const [staging, folder] = [join(server.folder, 'uploads'), join(server.folder, 'files')]
  const cleanAfter = async (hours: number) => {
    const clock = { now: () => Date.now() + hours * 3_600_000 } as DatabaseClock
    const onError = (error: unknown) => t.fail(String(error))
    await new UnusedFiles({
      store: { files, fileUses: new FileUses(client.db()) },
      storage: new DiskStore(folder),
      clock,
      onError
    }).remove()
  }
  const kept = async (where: string) =>
    (await readdir(where, { recursive: true, withFileTypes: true }).catch(() => [])).filter(it => it.isFile()).length
  /** Half received files, kept ones, rows, and bytes that count as somebody's. */
  const left = async ({ hex }: Person) => ({
    half: await kept(staging),
    kept: await kept(folder),
    rows: await rows.countDocuments({ ownerId: new ObjectId(hex) }),
    usage: await files.usageOf(new ObjectId(hex))
  })
  return { server, rows, staging, cleanAfter, left }
}

const NOTHING = { half: 0, kept: 0, rows: 0, usage: 0 }
const idIn = (path: string) => path.slice(-24)
const picture = async (side = 900) =>
  new Uint8Array(
    await sharp({ create: { width: side, height: side, channels: 3, background: '#3366cc' } })
      .jpeg()
      .toBuffer()
  )

t.test('an upload goes on where HEAD says, and its last bytes are answered by the file', async t => {
  const { server, left } = await scene(t)
  const ann = await server.person()
  const begun = await tus(server, ann, 'POST', '/v1/uploads', { 'upload-length': '11', ...named('../no\u202etes.txt') })
  t.same([begun.status, begun.text], [201, ''])
  t.match(Object.fromEntries(begun.headers), { 'tus-resumable': '1.0.0', 'upload-expires': / GMT$/ })
  const path = begun.headers.get('location') ?? ''
  t.match(path, /^\/v1\/uploads\/file_[0-9a-f]{24}$/)
  t.same(await left(ann), { half: 1, kept: 0, rows: 1, usage: 11 }, 'its room is kept')
  const id = path.split('/').at(-1)
  t.equal((await server.call(ann, 'GET', `/v1/files/${id}`)).status, 404, 'there is no file yet')
  const first = await send(server, ann, path, 0, 'Hello')
  t.same([first.status, first.text], [204, ''])
  t.match(Object.fromEntries(first.headers), { 'upload-offset': '5', 'upload-expires': / GMT$/ })
  t.same((await server.call(ann, 'GET', path)).body, { id, offset: 5, length: 11 })
  const { status, headers } = await tus(server, ann, 'HEAD', path)
  t.equal(status, 200)
  t.match(Object.fromEntries(headers), {
    ...{ 'tus-resumable': '1.0.0', 'upload-offset': '5', 'upload-length': '11', 'cache-control': 'no-store' },
    'upload-metadata': named('../no\u202etes.txt')['upload-metadata']
  })
  const last = await send(server, ann, path, 5, ', file')
  t.equal(last.status, 200)
  t.equal(last.headers.get('upload-offset'), '11')
  t.match(last.body, { id, type: 'file', fileName: 'notes.txt', fileSize: 11, mimeType: 'text/plain; charset=utf-8' })
  t.equal((await fetched(last.body.url)).bytes.toString(), 'Hello, file')
  t.equal(await offsetOf(server, ann, path), 11, 'who has missed the answer')
  const seen = await server.call(ann, 'GET', path)
  t.match(seen.body, { id, offset: 11, length: 11, file: { id, fileName: 'notes.txt' } })
  t.match((await server.call(ann, 'GET', `/v1/files/${id}`)).body, { id, fileName: 'notes.txt' })
  t.same(await left(ann), { half: 0, kept: 1, rows: 1, usage: 11 })
})

t.test('bytes may come with the beginning, some of them or all', async t => {
  const { server, left } = await scene(t)
  const ann = await server.person()
  const bytes = { 'content-type': 'application/offset+octet-stream' }
  const post = async (length: number, body: string) =>
    await tus(server, ann, 'POST', '/v1/uploads', { 'upload-length': `${length}`, ...bytes }, body)
  const some = await post(10, '0123')
  t.same([some.status, some.headers.get('upload-offset')], [201, '4'])
  const path = some.headers.get('location') ?? ''
  t.equal((await send(server, ann, path, 4, '456789')).body.fileSize, 10)
  const all = await post(3, 'abc')
  t.same([all.status, all.headers.get('upload-offset'), all.headers.get('upload-expires')], [201, '3', null])
  const id = (all.headers.get('location') ?? '').split('/').at(-1)
  const { body } = await server.call(ann, 'GET', `/v1/files/${id}`)
  t.equal((await fetched(body.url)).bytes.toString(), 'abc')
  t.match(await post(3, 'abcd'), { status: 413, body: { error: { code: 'too_large' } } })
  t.same(await left(ann), { half: 0, kept: 2, rows: 2, usage: 13 }, 'what nobody knows the name of is not kept')
})

t.test('a picture is worked on once, whoever asks when its last byte is there', async t => {
  const { server, rows, left } = await scene(t)
  const ann = await server.person()
  const bytes = await picture()
  const path = await begin(server, ann, bytes.length, named('blue.jpg'))
  await send(server, ann, path, 0, bytes.slice(0, 1_000))
  const asked = await Promise.all([
    send(server, ann, path, 1_000, bytes.slice(1_000)),
    tus(server, ann, 'HEAD', path),
    tus(server, ann, 'HEAD', path)
  ])
  // One of them may have been asked to stop by another.
  t.notOk(asked.some(({ status }) => status >= 500))
  for (let offset = await offsetOf(server, ann, path); offset < bytes.length; )
    offset = Number((await send(server, ann, path, offset, bytes.slice(offset))).headers.get('upload-offset'))
  const again = await send(server, ann, path, bytes.length, '')
  t.match(again, { status: 200, body: { type: 'image', width: 900, height: 900, fileName: 'blue.jpg' } })
  t.equal((await sharp((await fetched(again.body.thumbnailUrl)).bytes).metadata()).width, 320)
  const row = await rows.findOne({ _id: new ObjectId(idIn(path)) })
  const usage = row?.['bytes'] + row?.['variants'].preview.bytes + row?.['variants'].thumbnail.bytes
  t.same(await left(ann), { half: 0, kept: 3, rows: 1, usage })
})

t.test('a client that the network leaves continues, byte for byte: tus-js-client', async t => {
  const { server, left } = await scene(t)
  const ann = await server.person()
  const proxy = await CuttingProxy.open(t, server.url)
  const bytes = randomBytes(3_000_000)
  let cuts = 0
  const payload = await new Promise<Parameters<NonNullable<Upload['options']['onSuccess']>>[0]>((resolve, reject) => {
    const upload = new Upload(bytes, {
      endpoint: `${proxy.url}/v1/uploads`,
      headers: { authorization: `Bearer ${ann.token}` },
      metadata: { filename: 'random.bin', filetype: 'image/png' },
      retryDelays: [10, 10, 10, 10, 10],
      chunkSize: 400_000,
      onProgress: sent => {
        if (sent <= (cuts + 1) * 800_000 || cuts === 3) return
        cuts += 1
        proxy.cut()
      },
      onError: reject,
      onSuccess: resolve
    })
    upload.start()
  })
  t.equal(cuts, 3)
  const file = JSON.parse(payload.lastResponse.getBody())
  t.match(file, { fileName: 'random.bin', fileSize: 3_000_000, mimeType: 'application/octet-stream' })
  t.ok((await fetched(file.url)).bytes.equals(bytes))
  t.same(await left(ann), { half: 0, kept: 1, rows: 1, usage: 3_000_000 })
})

t.test('who comes back gets the upload from their old connection, though it is still open', async t => {
  const { server } = await scene(t)
  const ann = await server.person()
  const path = await begin(server, ann, 10)
  const dead = await stalled(server, ann, path, { length: 10, body: '0123' })
  const ended = once(dead, 'close')
  dead.resume()
  await received(server, path, 4)
  t.equal(await offsetOf(server, ann, path), 4)
  const answer = await send(server, ann, path, 4, '456789')
  t.equal((await fetched(answer.body.url)).bytes.toString(), '0123456789')
  await ended
})

t.test('an upload is given up, also one whose bytes are on their way, and nothing is left', async t => {
  const { server, left } = await scene(t)
  const ann = await server.person()
  const path = await begin(server, ann, 1_000)
  const socket = await stalled(server, ann, path, { body: 'half' })
  await received(server, path, 4)
  socket.resume()
  const ended = once(socket, 'close')
  t.same(await left(ann), { half: 1, kept: 0, rows: 1, usage: 1_000 })
  t.equal((await tus(server, ann, 'DELETE', path)).status, 204)
  await ended
  t.same(await left(ann), NOTHING)
  for (const method of ['HEAD', 'DELETE']) t.equal((await tus(server, ann, method, path)).status, 404)
  t.match(await send(server, ann, path, 4, 'x'), { status: 404, body: { error: { code: 'not_found' } } })
  const other = await begin(server, ann, 2)
  t.equal((await send(server, ann, other, 0, 'ab')).status, 200)
  t.match(await tus(server, ann, 'DELETE', other), { status: 409, body: { error: { code: 'conflict' } } })
  t.match(await left(ann), { kept: 1, rows: 1, usage: 2 })
})

t.test('what is not finished after a day is removed, and its room given back', async t => {
  const { server, staging, rows, cleanAfter, left } = await scene(t)
  const ann = await server.person()
  const path = await begin(server, ann, 50)
  await send(server, ann, path, 0, 'half')
  await cleanAfter(23)
  await new Staging(staging).clean()
  t.equal(await offsetOf(server, ann, path), 4)
  await rows.updateOne({ _id: new ObjectId(idIn(path)) }, { $set: { createdAt: new Date(Date.now() - DAY_MS - 1) } })
  t.equal(await offsetOf(server, ann, path), 410)
  t.match(await send(server, ann, path, 4, 'x'), { status: 410, body: { error: { code: 'gone' } } })
  await cleanAfter(25)
  t.match(await left(ann), { rows: 0, usage: 0 })
  t.equal(await offsetOf(server, ann, path), 404)
  const old = new Date(Date.now() - DAY_MS - 1)
  for (const name of await readdir(staging)) await utimes(join(staging, name), old, old)
  await new Staging(staging).clean()
  t.same(await left(ann), NOTHING)
})

t.test('what a server leaves that dies once all bytes are there is kept when the client comes back', async t => {
  const { server, staging, rows, left } = await scene(t)
  const ann = await server.person()
  const bytes = await picture(400)
  const path = await begin(server, ann, bytes.length, named('a.jpg'))
  const _id = new ObjectId(idIn(path))
  // Died before anything was done with them.
  await writeFile(join(staging, idIn(path)), bytes)
  t.match((await rows.findOne({ _id }))?.['state'], 'receiving')
  t.equal(await offsetOf(server, ann, path), bytes.length)
  const first = await left(ann)
  t.match(first, { half: 0, kept: 3, rows: 1 })
  // Died while they were stored.
  await writeFile(join(staging, idIn(path)), bytes)
  await rows.updateOne({ _id }, { $set: { state: 'storing' } })
  const answer = await send(server, ann, path, bytes.length, '')
  t.match(answer, { status: 200, body: { type: 'image', width: 400 } })
  t.same(await left(ann), first)
})

t.test('two servers on one database: an upload is continued where its bytes are, and given up anywhere', async t => {
  const { server, staging, left } = await scene(t)
  const other = await startWithFiles(t, { uri: server.uri })
  const ann = await server.person()
  const path = await begin(server, ann, 10)
  await send(server, ann, path, 0, '0123')
  t.equal(await offsetOf(other, ann, path), 404, 'its client begins anew')
  t.equal((await send(other, ann, path, 4, '456789')).status, 404)
  t.equal(await offsetOf(server, ann, path), 4)
  t.equal((await send(server, ann, path, 4, '456789')).status, 200)
  t.equal(await offsetOf(other, ann, path), 10, 'what is finished is so everywhere')
  t.equal((await send(other, ann, path, 10, '')).body.fileSize, 10)
  const next = await begin(server, ann, 20)
  await send(server, ann, next, 0, '0123')
  t.equal((await tus(other, ann, 'DELETE', next)).status, 204)
  t.match(await left(ann), { rows: 1, usage: 10 })
  t.equal((await send(server, ann, next, 4, 'x'.repeat(16))).status, 404)
  t.match(await left(ann), { half: 1 }, 'its bytes are on the other machine')
  const long = new Date(Date.now() - 2 * 3_600_000)
  await utimes(join(staging, idIn(next)), long, long)
  await startWithFiles(t, { uri: server.uri, folder: server.folder })
  t.match(await left(ann), { half: 0 }, 'and go with a clean-up there')
})

t.test('two servers that share a folder finish an upload once', async t => {
  const { server, staging, left } = await scene(t)
  const other = await startWithFiles(t, { uri: server.uri, folder: server.folder })
  const ann = await server.person()
  const bytes = await picture()
  const path = await begin(server, ann, bytes.length)
  await writeFile(join(staging, idIn(path)), bytes)
  await Promise.all([server, other].map(async it => await tus(it, ann, 'HEAD', path)))
  t.equal(await offsetOf(other, ann, path), bytes.length)
  const { body } = await send(server, ann, path, bytes.length, '')
  for (const address of [body.url, body.previewUrl, body.thumbnailUrl]) t.equal((await fetched(address)).status, 200)
  t.match(await left(ann), { kept: 3, rows: 1 })
})

t.test('a full disk is told, and the upload goes on once there is room', async t => {
  const { server, staging } = await scene(t)
  const ann = await server.person()
  const path = await begin(server, ann, 5)
  await rm(join(staging, idIn(path)))
  await symlink('/dev/full', join(staging, idIn(path)))
  t.match(await send(server, ann, path, 0, 'Hello'), { status: 503, body: { error: { code: 'busy' } } })
  await rm(join(staging, idIn(path)))
  await writeFile(join(staging, idIn(path)), '')
  t.equal((await send(server, ann, path, 0, 'Hello')).status, 200)
})
