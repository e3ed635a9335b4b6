import { EventEmitter, once } from 'node:events'
import t from 'tap'
import type { Jobs, WorkKind } from '../../src/jobs/index.ts'
import { openDatabase } from '../kit/databases.ts'
import { openJobs, openWork, SHORT } from './rig.ts'

type Item = Parameters<WorkKind['run']>[0]

/** Runs that begin and end as the test says. */
class Runs {
  readonly all: Item[] = []
  readonly #events = new EventEmitter()

  /** Lasts until the test ends it. */
  readonly run = async (item: Item): Promise<void> => {
    this.all.push(item)
    const end = once(this.#events, `end ${this.all.length}`)
    this.#events.emit('started')
    const [error] = await end
    if (error !== undefined) throw error
  }

  async started(count: number): Promise<void> {
    while (this.all.length < count) await once(this.#events, 'started')
  }

  /** @param number of the run, from 1 */
  end(number: number, error?: Error): void {
    this.#events.emit(`end ${number}`, error)
  }
}

/** Resolves when the figures of a kind are so. */
async function untilFigures(jobs: Jobs, isSo: (figures: Awaited<ReturnType<Jobs['figures']>>[number]) => boolean) {
  for (;;) {
    const found = (await jobs.figures()).find(isSo)
    if (found !== undefined) return found
  }
}

t.test('more to do for an item that is being worked on is done afterwards; the same again is not', async t => {
  const { uri, work } = await openWork(t)
  const jobs = await openJobs(t, uri)
  const runs = new Runs()
  jobs.work({ kind: 'item', run: runs.run })
  await jobs.start()
  await Promise.all([1, 1, 1].map(async rev => await jobs.enqueue('item', [{ key: 'a', rev }])))
  await runs.started(1)
  await jobs.enqueue('item', [{ key: 'a', rev: 2 }])
  runs.end(1)
  await runs.started(2)
  await jobs.enqueue('item', [
    { key: 'a', rev: 2 },
    { key: 'a', rev: 1 }
  ])
  runs.end(2)
  while ((await work.countDocuments()) > 0) t.equal(runs.all.length, 2)
  t.same(
    runs.all.map(({ key, rev, attempt }) => ({ key, rev, attempt })),
    [
      { key: 'a', rev: 1, attempt: 1 },
      { key: 'a', rev: 2, attempt: 1 }
    ]
  )
})

t.test('what fails is reported and run again', async t => {
  const { uri, work } = await openWork(t)
  const errors: unknown[] = []
  const jobs = await openJobs(t, uri, { onError: error => errors.push(error) })
  const runs = new Runs()
  jobs.work({ kind: 'item', run: runs.run })
  await jobs.start()
  await jobs.enqueue('item', [{ key: 'a', rev: 1 }])
  const failures = [new Error('first'), new Error('second')]
  for (const [index, error] of failures.entries()) {
    await runs.started(index + 1)
    runs.end(index + 1, error)
  }
  await runs.started(3)
  runs.end(3)
  const { done, failed } = await untilFigures(jobs, figures => figures.done === 1)
  t.same({ done, failed }, { done: 1, failed: 2 })
  t.same(errors, failures)
  t.same(
    runs.all.map(({ attempt }) => attempt),
    [1, 2, 3]
  )
  while ((await work.countDocuments()) > 0) t.equal(runs.all.length, 3)
})

t.test('a retry waits for a random time, at most the base times a power of two, up to the longest', async t => {
  const { uri, work } = await openWork(t)
  const now = Date.now()
  const items = [1, 2, 3, 4, 5, 6].map(attempt => ({ _id: `item:${attempt}`, attempt: attempt - 1 }))
  await work.insertMany(items.map(item => ({ ...item, kind: 'item', rev: 1, dueAt: new Date(now - 1) })))
  const timings = { ...SHORT, retryMs: 1_000_000, maxRetryMs: 8_000_000 }
  const jobs = await openJobs(t, uri, { timings, onError: () => undefined })
  jobs.work({ kind: 'item', run: () => Promise.reject(new Error('No')) })
  await jobs.start()
  const waiting = { leaseBy: { $exists: false }, attempt: { $gt: 0 }, dueAt: { $gt: new Date() } }
  while ((await work.countDocuments(waiting)) < items.length) t.equal(await work.countDocuments(), items.length)
  const took = Date.now() - now
  const limits = [1, 2, 4, 8, 8, 8].map(times => times * 1_000_000 + took)
  const stored = await work.find().sort({ _id: 1 }).toArray()
  for (const [index, { dueAt, attempt }] of stored.entries()) {
    t.equal(attempt, index + 1)
    t.ok(dueAt.getTime() - now <= (limits[index] ?? 0))
  }
})

t.test('an item runs when it is due, and not before', async t => {
  const { uri } = await openWork(t)
  const jobs = await openJobs(t, uri, { timings: { ...SHORT, pollMs: 60_000 } })
  const at: number[] = []
  const ran = new EventEmitter()
  jobs.work({ kind: 'item', run: async () => void ran.emit('ran', at.push(Date.now())) })
  await jobs.start()
  const dueAt = new Date(Date.now() + 300)
  const run = once(ran, 'ran')
  await jobs.enqueue('item', [{ key: 'a', rev: 1, dueAt }])
  await jobs.enqueue('item', [{ key: 'a', rev: 2, dueAt: new Date(0) }])
  t.same(
    (await jobs.figures()).map(({ due }) => due),
    [0]
  )
  await run
  t.ok((at[0] ?? 0) >= dueAt.getTime(), 'and who asks again does not bring it forward')
})

t.test('a run that takes too long has failed, and is told', async t => {
  const { uri } = await openWork(t)
  const errors: unknown[] = []
  const jobs = await openJobs(t, uri, { onError: error => errors.push(error) })
  const signals: AbortSignal[] = []
  jobs.work({
    kind: 'item',
    limitMs: 50,
    run: async ({ signal, attempt }) => {
      signals.push(signal)
      if (attempt === 1) await new Promise(() => undefined)
    }
  })
  await jobs.start()
  await jobs.enqueue('item', [{ key: 'a', rev: 1 }])
  await untilFigures(jobs, ({ done, failed }) => done === 1 && failed === 1)
  t.match(String(errors), 'took longer than 50 ms')
  t.same(
    signals.map(({ aborted }) => aborted),
    [true, false]
  )
})

t.test('a server that stops hands back what it has not done, for others to do at once', async t => {
  const { uri, work } = await openWork(t)
  const jobs = await openJobs(t, uri, { timings: { ...SHORT, leaseMs: 600_000, stopMs: 100 } })
  const runs = new Runs()
  jobs.work({ kind: 'item', concurrency: 3, run: runs.run })
  await jobs.start()
  await jobs.enqueue(
    'item',
    [1, 2, 3].map(index => ({ key: `k${index}`, rev: 1 }))
  )
  await runs.started(3)
  const [done, heeding] = runs.all
  done?.signal.addEventListener('abort', () => runs.end(1))
  heeding?.signal.addEventListener('abort', () => runs.end(2, new Error('Stopped')))
  await jobs.stop()
  const left = await work.find({ leaseBy: { $exists: false }, dueAt: { $lte: new Date() } }).toArray()
  const unfinished = runs.all.slice(1).map(({ key }) => `item:${key}`)
  t.same(new Set(left.map(({ _id }) => _id)), new Set(unfinished))
  t.equal(await work.countDocuments(), 2, 'the one that came to its end is done')
})

t.test('a claim reads what it takes, however many items wait, are leased or belong to others', async t => {
  const { uri, work } = await openWork(t)
  const client = await openDatabase(t, uri)
  const jobs = await openJobs(t, uri)
  const now = Date.now()
  const add = async (kind: string, name: string, count: number, dueAt: Date) => {
    const items = Array.from({ length: count }, (_, index) => ({ _id: `${kind}:${name}${index}`, kind, dueAt }))
    await work.insertMany(items.map(item => ({ ...item, rev: 1, attempt: 0 })))
  }
  await jobs.start()
  await add('item', 'due', 2_000, new Date(now - 1_000))
  await add('item', 'waits', 10_000, new Date(now + 3_600_000))
  await add('other', 'due', 5_000, new Date(now - 2_000))
  // Removals are many, by id, and would not fit.
  const filter = { ns: work.namespace, op: { $in: ['command', 'query', 'update'] } }
  await client.db().command({ profile: 1, filter })
  const worker = await openJobs(t, uri, { timings: { ...SHORT, leaseMs: 600_000 } })
  const ran = new EventEmitter()
  const over = once(ran, 'over')
  let left = 2_000
  worker.work({ kind: 'item', concurrency: 100, run: async () => void (--left === 0 && ran.emit('over')) })
  await worker.start()
  await over
  await worker.stop()
  await client.db().command({ profile: 0 })
  const profiles = await client.db().collection('system.profile').find().toArray()
  const reads = profiles.filter(it => it['docsExamined'] !== undefined)
  const took = (it: (typeof reads)[number]) => (it['nreturned'] ?? 0) + (it['nMatched'] ?? 0) + (it['ndeleted'] ?? 0)
  const wasteful = reads.filter(it => it['docsExamined'] > took(it) || it['keysExamined'] > took(it) * 2 + 1)
  t.same(
    wasteful.map(it => [it['op'], it['docsExamined'], it['keysExamined'], took(it)]),
    []
  )
  t.ok(reads.filter(it => it['op'] === 'command').length >= 20, 'there were claims')
  t.same(
    profiles.filter(it => /COLLSCAN/.test(it['planSummary'] ?? '')),
    []
  )
})
