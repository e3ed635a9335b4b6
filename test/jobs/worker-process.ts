import { EventEmitter, once } from 'node:events'
import { MongoClient } from 'mongodb'
import { createJobs } from '../../src/jobs/index.ts'
import type { Note } from './rig.ts'

// A server with jobs only: `item` is shared work, `tick` is what one server at a time does. It says what it runs.
const [uri = '', by = '', timings = '{}', ...holds] = process.argv.slice(2)
const held = new Set(holds)
const released = new EventEmitter()
const client = await MongoClient.connect(uri, { writeConcern: { w: 'majority', j: true } })
const jobs = createJobs({ database: { db: client.db() }, onError: console.error, timings: JSON.parse(timings) })

async function run(job: string, { key, rev, attempt }: Pick<Note, 'key' | 'rev' | 'attempt'>): Promise<void> {
  const note = { by, job, key, rev, attempt }
  process.send?.({ ...note, says: 'started', at: Date.now() })
  if (held.has(key)) await once(released, 'release')
  process.send?.({ ...note, says: 'done', at: Date.now() })
}

jobs.work({
  kind: 'item',
  concurrency: 50,
  run: async ({ signal, ...item }) => {
    signal.addEventListener('abort', () =>
      process.send?.({ ...item, by, job: 'item', says: 'aborted', at: Date.now() })
    )
    await run('item', item)
  }
})
jobs.oneServer({ name: 'tick', everyMs: 20, run: async () => await run('tick', { key: 'tick', rev: 0, attempt: 0 }) })
process.on('message', message => {
  if (message === 'release') {
    held.clear()
    released.emit('release')
    return
  }
  void jobs.stop().then(() => process.exit())
})
await jobs.start()
process.send?.('ready')
