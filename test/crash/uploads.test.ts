import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { MongoClient, ObjectId } from 'mongodb'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import type { File } from '../../protocol/media/entities.ts'
import type { DatabaseClock } from '../../src/database/index.ts'
import { Staging } from '../../src/media/receive.ts'
import { DiskStore } from '../../src/media/storage/disk.ts'
import { type FileDoc, FileStore, keysOf } from '../../src/media/store.ts'
import { UnusedFiles } from '../../src/media/unused.ts'
import { FileUses } from '../../src/media/uses/store.ts'
import { extent } from '../kit/extent.ts'
import { ownDatabase } from '../kit/helper.ts'
import { begin, offsetOf, send } from '../media/tus.ts'
import { fetched, upload } from '../media/upload.ts'
import { randomFrom, ServerProcess, type Somebody } from './rig.ts'

const KILLS = extent(3, 20)
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const random = randomFrom(SEED)
t.comment(`SEED=${SEED}`)
const DAY_MS = 86_400_000

/** A file that was acknowledged, with the bytes that were sent; a picture is kept otherwise. */
interface Acknowledged {
  readonly file: File
  readonly bytes: Buffer<ArrayBuffer>
}

/** Somebody who sends files, until told to stop, through all kills. */
interface Sender {
  readonly server: ServerProcess
  readonly who: Somebody
  readonly isOver: () => boolean
  readonly kept: Acknowledged[]
}

const noise = async (side: number) => {
  const picture = { width: side, height: side, channels: 3 as const, background: '#888' }
  const data = sharp({ create: { ...picture, noise: { type: 'gaussian', sigma: 40 } } })
  return Buffer.from(new Uint8Array(await data.jpeg().toBuffer()))
}

/** Every second one is a picture, which is worked on for a while. */
async function* things(): AsyncGenerator<Buffer<ArrayBuffer>> {
  const picture = await noise(1_200)
  for (;;) {
    yield Buffer.from(new Uint8Array(randomBytes(200_000 + Math.floor(random() * 2_000_000))))
    yield picture
  }
}

async function sendForms({ server, who, isOver, kept }: Sender): Promise<void> {
  for await (const bytes of things()) {
    if (isOver()) return
    const answer = await upload(server, who, new Uint8Array(bytes)).catch(() => undefined)
    if (answer?.status === 201) kept.push({ file: answer.body, bytes })
    else await pause(5)
  }
}

async function sendPieces(t: Test, sender: Sender): Promise<void> {
  for await (const bytes of things()) {
    if (sender.isOver()) return
    sender.kept.push({ file: await sendInPieces(t, sender, bytes), bytes })
  }
}

/** Asks again until there is an answer. */
async function insist<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined) return answer
    await pause(5)
  }
}

/** What was acknowledged of an upload stays; its file comes once all is there. */
async function sendInPieces(t: Test, { server, who }: Sender, bytes: Buffer<ArrayBuffer>): Promise<File> {
  const path = await insist(async () => await begin(server, who, bytes.length))
  const step = Math.ceil(bytes.length / 4)
  let acknowledged = 0
  for (;;) {
    const offset = await insist(async () => {
      const found = await offsetOf(server, who, path)
      return found >= 500 && found < 600 ? undefined : found
    })
    if (offset < acknowledged || offset > bytes.length || [404, 410].includes(offset))
      t.fail(`${acknowledged} bytes were acknowledged, and it goes on at ${offset}`)
    if (offset === bytes.length) break
    const piece = new Uint8Array(bytes.subarray(offset, offset + step))
    const answer = await send(server, who, path, offset, piece).catch(() => undefined)
    if (answer?.status === 200) return answer.body
    if (answer?.status === 204) acknowledged = Number(answer.headers.get('upload-offset'))
  }
  return await insist(async () => (await server.call(who, 'GET', path.replace('/v1', ''))).file)
}

async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return found.filter(it => it.isFile()).map(it => it.name)
}

/** What is stored, and the clean-up as it is two days later. */
async function openStored(t: Test, uri: string, folder: string) {
  const client = new MongoClient(uri, { writeConcern: { w: 'majority' }, readConcern: { level: 'majority' } })
  t.teardown(async () => await client.close())
  const files = new FileStore(client, client.db())
  const storage = new DiskStore(join(folder, 'files'))
  const staging = join(folder, 'uploads')
  return {
    files,
    rows: async () => await client.db().collection<FileDoc>('files').find().toArray(),
    clean: async () => {
      const clock = { now: () => Date.now() + 2 * DAY_MS } as DatabaseClock
      await new UnusedFiles({
        store: { files, fileUses: new FileUses(client.db()) },
        storage,
        clock,
        onError: error => t.fail(String(error))
      }).remove()
      const old = new Date(Date.now() - 2 * DAY_MS)
      for (const name of await readdir(staging)) await utimes(join(staging, name), old, old)
      await new Staging(staging).clean()
    }
  }
}

const bytesOf = ({ bytes, variants }: FileDoc) =>
  Object.values(variants).reduce((sum, variant) => sum + variant.bytes, bytes)

t.test('kill -9 while files come, are worked on and stored: what was acknowledged stays, and nothing else', async t => {
  const [uri, folder] = [ownDatabase(t), await mkdtemp(join(tmpdir(), 'parley-files-'))]
  t.teardown(async () => await rm(folder, { recursive: true, force: true }))
  const server = await ServerProcess.run(t, uri, { DATA_DIR: folder })
  const [ann, ben] = (await server.people(2)) as [Somebody, Somebody]
  const kept: Acknowledged[] = []
  let isOver = false
  const sender = { server, isOver: () => isOver, kept }
  const sending = Promise.all([
    sendForms({ ...sender, who: ann }),
    sendForms({ ...sender, who: ann }),
    sendPieces(t, { ...sender, who: ben }),
    sendPieces(t, { ...sender, who: ben })
  ])
  for (let kill = 0; kill < KILLS; kill++) {
    await pause(200 + random() * 800)
    await server.kill()
    await server.start()
  }
  isOver = true
  await sending
  const stored = await openStored(t, uri, folder)
  const rows = await stored.rows()
  for (const who of [ann, ben]) {
    const _id = new ObjectId(who.id.slice(-24))
    const sum = rows.filter(it => it.ownerId.equals(_id)).reduce((all, row) => all + bytesOf(row), 0)
    t.equal(await stored.files.usageOf(_id), sum, 'what is counted is what is kept')
  }
  const there = new Set(await filesIn(join(folder, 'files')))
  t.same(
    rows.filter(it => it.state === 'stored').flatMap(row => keysOf(row).filter(key => !there.has(key))),
    [],
    'of what is stored all bytes are there'
  )
  t.not(kept.length, 0)
  for (const { file, bytes } of kept) {
    const original = await fetched(file.url)
    if (file.type === 'image') t.equal((await sharp(original.bytes).metadata()).width, 1_200)
    else t.ok(original.bytes.equals(bytes), 'byte for byte')
    if (file.thumbnailUrl !== undefined) t.equal((await fetched(file.thumbnailUrl)).status, 200)
  }
  await server.kill()
  await stored.clean()
  t.same(await stored.rows(), [])
  for (const who of [ann, ben]) t.equal(await stored.files.usageOf(new ObjectId(who.id.slice(-24))), 0)
  t.same([await filesIn(join(folder, 'files')), await filesIn(join(folder, 'uploads'))], [[], []], 'nothing is left')
})
