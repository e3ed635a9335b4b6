import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { MongoClient, ObjectId } from 'mongodb'
import t, { type Test } from 'tap'
import type { DatabaseClock } from '../../src/database/index.ts'
import { DiskStore } from '../../src/media/storage/disk.ts'
import { FileStore } from '../../src/media/store.ts'
import { UnusedFiles } from '../../src/media/unused.ts'
import { FileUses } from '../../src/media/uses/store.ts'
import { extent } from '../kit/extent.ts'
import { ownDatabase, type Person } from '../kit/helper.ts'
import { storeMessages } from '../kit/stored.ts'
import { messagesOf, unzip } from '../messages/unzip.ts'
import { randomFrom, ServerProcess, type Somebody } from './rig.ts'

const KILLS = extent(2, 12)
const MESSAGES = 8_000
const FILES = 40
const FILE_BYTES = 400_000
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const random = randomFrom(SEED)
t.comment(`SEED=${SEED}`)

/** A conversation with files in its midst, on a server with a folder of its own. */
async function begin(t: Test) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-export-'))
  t.teardown(async () => await rm(folder, { recursive: true, force: true }))
  const uri = ownDatabase(t)
  const env = { DATA_DIR: folder, TIMINGS_LEASE_MS: '1000' }
  const server = await ServerProcess.run(t, uri, env)
  const [ann, ben] = (await server.people(2)) as [Somebody, Somebody]
  const { id } = await server.call(ann, 'POST', '/conversations', { type: 'direct', userId: ben.id })
  const client = new MongoClient(uri)
  t.teardown(async () => await client.close())
  const from = { hex: ben.id.slice(-24) } as Person
  await storeMessages(client, { conversationId: id, from, count: MESSAGES / 2 })
  for (let index = 0; index < FILES; index++) await sendFile(server, ben, id, index)
  await storeMessages(client, { conversationId: id, from, count: MESSAGES / 2 })
  return { server, uri, env, folder, ann, ben, id, client }
}

async function sendFile(server: ServerProcess, who: Somebody, conversationId: string, index: number): Promise<void> {
  const form = new FormData()
  form.append('file', new Blob([Buffer.alloc(FILE_BYTES, index + 1)]), `file ${index}.bin`)
  const headers = { authorization: `Bearer ${who.token}` }
  const answer = await fetch(`${server.url}/v1/files`, { method: 'POST', body: form, headers })
  const { url } = (await answer.json()) as { url: string }
  const body = { clientId: `file-${index}`, type: 'file', attachments: [{ type: 'file', url }] }
  await server.call(who, 'POST', `/conversations/${conversationId}/messages`, body)
}

const namesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])).filter(it => it.isFile())

/** Resolves when so many messages are in an archive, or it is made. */
async function untilWritten(client: MongoClient, exportId: string, count: number): Promise<void> {
  const _id = new ObjectId(exportId.slice(-24))
  const reached = { $or: [{ status: 'done' }, { status: 'running', writtenCount: { $gte: count } }] }
  while (
    (await client
      .db()
      .collection('exports')
      .findOne({ _id, ...reached })) === null
  )
    await pause(1)
}

async function whenDone(server: ServerProcess, who: Somebody, exportId: string) {
  for (const end = Date.now() + 60_000; Date.now() < end; await pause(50)) {
    const made = await server.call(who, 'GET', `/exports/${exportId}`)
    if (made.status === 'done') return made
  }
  throw new Error('It is not made')
}

t.test('kill -9 while an archive is made: it is made anew and ends once, and nothing else is left', async t => {
  const { server, uri, env, folder, ann, ben, id, client } = await begin(t)
  const files = new FileStore(client, client.db())
  let before = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const { id: exportId } = await server.call(ann, 'POST', `/conversations/${id}/exports`)
    const goal = Math.floor(random() * MESSAGES)
    await untilWritten(client, exportId, goal)
    await pause(random() * 30)
    await server.kill()
    // In every second round another server goes on meanwhile.
    const other = kill % 2 === 1 ? await ServerProcess.run(t, uri, env) : undefined
    await server.start()
    const made = await whenDone(server, ann, exportId)
    t.match(made, { status: 'done', writtenCount: MESSAGES + FILES })
    const { pathname, search } = new URL(made.url)
    const bytes = Buffer.from(await (await fetch(`${server.url}${pathname}${search}`)).arrayBuffer())
    const archive = await unzip(bytes)
    t.same([bytes.length, archive.size], [made.fileSize, FILES + 1], `killed at ${goal} of ${MESSAGES}`)
    t.equal(new Set(messagesOf(archive).map(({ seq }) => seq)).size, MESSAGES + FILES)
    await cleanUp(t, { files, fileUses: new FileUses(client.db()) }, folder)
    t.equal(
      await client
        .db()
        .collection('files')
        .countDocuments({ ownerId: new ObjectId(ann.id.slice(-24)) }),
      1
    )
    t.equal(await files.usageOf(new ObjectId(ann.id.slice(-24))), bytes.length, 'the room of one archive')
    t.equal((await namesIn(join(folder, 'files'))).length, FILES + 1)
    await server.call(ann, 'DELETE', `/exports/${exportId}`)
    await other?.kill()
    before = bytes.length
  }
  t.ok(before > FILES * FILE_BYTES)
  await cleanUp(t, { files, fileUses: new FileUses(client.db()) }, folder)
  t.same(await files.usageOf(new ObjectId(ann.id.slice(-24))), 0)
  t.equal(await files.usageOf(new ObjectId(ben.id.slice(-24))), FILES * FILE_BYTES)
  t.equal((await namesIn(join(folder, 'files'))).length, FILES)
  // What was half made on this machine goes when it is old.
  const dayAgo = new Date(Date.now() - 25 * 3_600_000)
  for (const { name, parentPath } of await namesIn(join(folder, 'uploads')))
    await utimes(join(parentPath, name), dayAgo, dayAgo)
  await server.kill()
  await server.start()
  t.same(await namesIn(join(folder, 'uploads')), [])
  while ((await client.db().collection('work').countDocuments({ kind: 'export' })) > 0) await pause(50)
})

async function cleanUp(t: Test, store: { files: FileStore; fileUses: FileUses }, folder: string): Promise<void> {
  const clock = { now: () => Date.now() } as DatabaseClock
  const storage = new DiskStore(join(folder, 'files'))
  await new UnusedFiles({
    store,
    storage,
    clock,
    onError: error => t.fail(String(error))
  }).remove()
}
