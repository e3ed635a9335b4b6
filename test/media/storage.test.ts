import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import S3rver from 's3rver'
import t, { type Test } from 'tap'
import { DiskStore } from '../../src/media/storage/disk.ts'
import type { BlobStore } from '../../src/media/storage/port.ts'
import { S3Store } from '../../src/media/storage/s3.ts'
import { fetched, startWithFiles, upload } from './upload.ts'

const KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }

async function folderOf(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-blobs-'))
  t.teardown(async () => await rm(folder, { recursive: true, force: true }))
  return folder
}

/** A server that speaks S3. @returns the address of a bucket */
async function startS3(t: Test): Promise<string> {
  const directory = await folderOf(t)
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: 'files', configs: [] }]
  })
  const { port } = (await server.run()) as AddressInfo
  t.teardown(async () => await server.close())
  return `http://127.0.0.1:${port}/files`
}

const STORES: Readonly<Record<string, (t: Test) => Promise<BlobStore>>> = {
  'a folder': async t => new DiskStore(await folderOf(t)),
  'a bucket': async t => new S3Store({ url: await startS3(t), region: 'us-east-1', ...KEYS })
}
const KEY = `${'a'.repeat(24)}-original`

t.test('what a server that died has put half into a folder goes with its file', async t => {
  const folder = await folderOf(t)
  const store = new DiskStore(folder)
  const path = join(await folderOf(t), 'file')
  await writeFile(path, '0123456789')
  await store.put(KEY, path)
  const [place = ''] = (await readdir(folder, { recursive: true })).filter(it => it.endsWith(KEY))
  await writeFile(join(folder, `${place}.part`), '01234')
  await store.remove([KEY])
  t.same(
    (await readdir(folder, { recursive: true })).filter(it => it.includes(KEY)),
    []
  )
})

for (const [name, open] of Object.entries(STORES)) {
  t.test(`2.10 ${name} gives back what was put there, whole and in ranges, and nothing once it is removed`, async t => {
    const store = await open(t)
    const path = join(await folderOf(t), 'file')
    await writeFile(path, '0123456789')
    await store.put(KEY, path, 'text/plain')
    t.equal(await text(await store.read(KEY)), '0123456789')
    t.equal(await text(await store.read(KEY, { start: 2, end: 4 })), '234')
    t.equal(await text(await store.read(KEY, { start: 9, end: 9 })), '9')
    await writeFile(path, 'another')
    await store.put(KEY, path, 'text/plain')
    t.equal(await text(await store.read(KEY)), 'another', 'put again')
    await store.remove([KEY, `${'b'.repeat(24)}-original`])
    await t.rejects(store.read(KEY))
    await store.remove([KEY])
  })

  t.test(`2.10 ${name} takes a file of many parts`, async t => {
    const store = await open(t)
    const path = join(await folderOf(t), 'file')
    const bytes = Buffer.alloc(17 * 2 ** 20 + 5, 'abcdefg')
    await writeFile(path, bytes)
    await store.put(KEY, path, 'application/octet-stream')
    const end = bytes.length - 1
    t.equal(await text(await store.read(KEY, { start: end - 9, end })), bytes.subarray(-10).toString())
    const chunks = await (await store.read(KEY)).toArray()
    t.ok(Buffer.concat(chunks).equals(bytes))
  })
}

t.test('2.10 files are kept in a bucket where the configuration says so', async t => {
  const url = await startS3(t)
  const env = {
    FILES: 's3',
    S3_URL: url,
    S3_REGION: 'us-east-1',
    S3_ACCESS_KEY_ID: 'S3RVER',
    S3_SECRET_ACCESS_KEY: 'S3RVER'
  }
  const server = await startWithFiles(t, { env })
  const ann = await server.person()
  const { status, body } = await upload(server, ann, '0123456789')
  t.equal(status, 201)
  t.equal((await fetched(body.url)).bytes.toString(), '0123456789')
  t.equal((await fetched(body.url, { range: 'bytes=3-5' })).bytes.toString(), '345')
  const bucket = new S3Store({ url, region: 'us-east-1', ...KEYS })
  t.equal(await text(await bucket.read(`${body.id.slice(-24)}-original`)), '0123456789')
})
