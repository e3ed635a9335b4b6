import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ObjectId } from 'mongodb'
import t, { type Test } from 'tap'
import type { DatabaseClock } from '../../src/database/index.ts'
import { DiskStore } from '../../src/media/storage/disk.ts'
import { FileStore } from '../../src/media/store.ts'
import { UnusedFiles } from '../../src/media/unused.ts'
import { MessageStore } from '../../src/store/messages.ts'
import { openDatabase } from '../kit/databases.ts'
import type { Person } from '../kit/helper.ts'
import { startWithFiles, upload } from './upload.ts'

const HOUR_MS = 3_600_000

/** A server, and the clean-up as it is so many hours later. */
async function scene(t: Test) {
  const server = await startWithFiles(t)
  const client = await openDatabase(t, server.uri)
  const db = client.db()
  const files = new FileStore(client, db)
  const folder = join(server.folder, 'files')
  const cleanAfter = async (hours: number) => {
    const clock = { now: () => Date.now() + hours * HOUR_MS } as DatabaseClock
    await new UnusedFiles({
      store: { files, messages: new MessageStore(db, clock) },
      storage: new DiskStore(folder),
      clock
    }).remove()
  }
  const kept = async () =>
    (await readdir(folder, { recursive: true, withFileTypes: true })).filter(it => it.isFile()).length
  const usage = async ({ hex }: Person) => await files.usageOf(new ObjectId(hex))
  return { server, db, cleanAfter, kept, usage }
}

t.test('an upload that nobody has used is removed after a day, and its room is given back', async t => {
  const { server, cleanAfter, kept, usage } = await scene(t)
  const ann = await server.person()
  const { body } = await upload(server, ann, 'Unused')
  t.same([await kept(), await usage(ann)], [1, 6])
  await cleanAfter(23)
  t.same([await kept(), await usage(ann)], [1, 6])
  await cleanAfter(25)
  t.same([await kept(), await usage(ann)], [0, 0])
  t.equal((await server.call(ann, 'GET', `/v1/files/${body.id}`)).status, 404)
  await cleanAfter(25)
  t.equal(await usage(ann), 0)
})

t.test('a file that a message has stays, until the last such message is deleted for everyone', async t => {
  const { server, cleanAfter, kept, usage } = await scene(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const direct = await server.direct(ann, ben)
  const { url } = (await upload(server, ann, 'Used')).body
  const path = `/v1/conversations/${direct}/messages`
  const send = async (clientId: string) =>
    (await server.call(ann, 'POST', path, { clientId, type: 'file', attachments: [{ type: 'file', url }] })).body.id
  const [first, second] = [await send('a'), await send('b')]
  await cleanAfter(49)
  t.equal(await kept(), 1)
  await server.call(ann, 'DELETE', `${path}/${first}?scope=everyone`)
  await cleanAfter(50)
  t.same([await kept(), await usage(ann)], [1, 4], 'another message has it')
  await server.call(ann, 'DELETE', `${path}/${second}?scope=me`)
  await cleanAfter(51)
  t.equal(await kept(), 1, 'who hides it has not deleted it')
  await server.call(ann, 'DELETE', `${path}/${second}?scope=everyone`)
  await cleanAfter(52)
  t.same([await kept(), await usage(ann)], [0, 0])
})

t.test('what a server leaves that dies at any step of keeping or removing a file is cleared away', async t => {
  const { server, db, cleanAfter, kept, usage } = await scene(t)
  const ann = await server.person()
  const died: [string, 'storing' | 'removing'][] = [
    ['while its bytes were put there', 'storing'],
    ['while they were removed', 'removing']
  ]
  for (const [what, state] of died) {
    const { body } = await upload(server, ann, 'Half')
    await db.collection('files').updateOne({ _id: new ObjectId(body.id.slice(-24)) }, { $set: { state } })
    t.equal((await server.call(ann, 'GET', `/v1/files/${body.id}`)).status, 404, `${what}: nobody sees it`)
    await cleanAfter(25)
    t.same([await kept(), await usage(ann)], [0, 0], what)
  }
})
