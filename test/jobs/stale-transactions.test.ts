import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ObjectId } from 'mongodb'
import t from 'tap'
import { MongodProcess } from '../crash/rig.ts'
import { openDatabase } from '../kit/databases.ts'
import { startServer } from '../kit/helper.ts'

/** The database by itself takes a minute. */
const LONG_BEFORE_MS = 45_000

t.test('a server ends the transaction that a killed one has left open, though nobody of its own meets it', async t => {
  const { uri } = await MongodProcess.run(t)
  const client = await openDatabase(t, uri)
  const userId = new ObjectId()
  const script = fileURLToPath(new URL('./stale-process.js', import.meta.url))
  const child = fork(script, [uri, userId.toHexString()])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  const killedAt = performance.now()
  await startServer(t, { uri })
  // Waits for the transaction that has changed it to end, one way or the other.
  const rev = { $inc: { rev: 1 }, $currentDate: { changedAt: true } } as const
  const { upsertedCount } = await client.db().collection('accounts').updateOne({ _id: userId }, rev, { upsert: true })
  const tookMs = performance.now() - killedAt
  t.ok(tookMs < LONG_BEFORE_MS, `${Math.round(tookMs)} ms after the kill`)
  t.equal(upsertedCount, 1, 'it has left nothing')
})
