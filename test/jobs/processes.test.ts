import t from 'tap'
import { Notes, openJobs, openWork, WorkerProcess } from './rig.ts'

const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}`)
const items = (count: number) => keys(count).map(key => ({ key, rev: 1 }))

t.test('two servers do thousands of due items, each once', async t => {
  const COUNT = 5_000
  const { uri, work } = await openWork(t)
  await (await openJobs(t, uri)).enqueue('item', items(COUNT))
  const notes = new Notes()
  const servers = await Promise.all(['a', 'b'].map(async by => await WorkerProcess.start(t, uri, by, notes)))
  const done = () => notes.all.filter(({ says, job }) => says === 'done' && job === 'item')
  await notes.until(() => done().length >= COUNT)
  await Promise.all(servers.map(async server => await server.stop()))
  t.equal(done().length, COUNT, 'nothing was done twice')
  t.same(new Set(done().map(({ key }) => key)), new Set(keys(COUNT)), 'and everything was done')
  for (const by of ['a', 'b'])
    t.ok(
      done().some(note => note.by === by),
      `${by} has done some`
    )
  t.equal(await work.countDocuments({ kind: 'item' }), 0)
})

t.test('kill -9: what a server had in its hands is done by another when the lease is over', async t => {
  const { uri, work } = await openWork(t)
  const jobs = await openJobs(t, uri)
  const notes = new Notes()
  const a = await WorkerProcess.start(t, uri, 'a', notes, keys(100).slice(10))
  await jobs.enqueue('item', items(100))
  const heldBy = (by: string) => {
    const mine = notes.all.filter(note => note.by === by && note.job === 'item')
    const done = new Set(mine.filter(({ says }) => says === 'done').map(({ key }) => key))
    return mine.filter(({ says, key }) => says === 'started' && !done.has(key)).map(({ key }) => key)
  }
  await notes.until(() => heldBy('a').length >= 26)
  await a.signal('SIGKILL')
  const killedAt = Date.now()
  const leased = await work.find({ kind: 'item', leaseBy: { $exists: true }, dueAt: { $gt: new Date() } }).toArray()
  const ends = new Map(leased.map(({ _id, dueAt }) => [_id.slice('item:'.length), dueAt.getTime()]))
  t.ok(leased.length >= 26, `${leased.length} items were in its hands`)
  const b = await WorkerProcess.start(t, uri, 'b', notes)
  const done = () => new Set(notes.all.filter(({ says, job }) => says === 'done' && job === 'item').map(it => it.key))
  await notes.until(() => done().size >= 100)
  await b.stop()
  const taken = notes.all.filter(({ by, says, key }) => by === 'b' && says === 'started' && ends.has(key))
  t.equal(taken.length, ends.size, 'each of them was begun again, once')
  for (const { key, at } of taken) t.ok(at >= (ends.get(key) ?? Infinity), `${key} not before its lease was over`)
  t.ok(taken.every(({ attempt }) => attempt === 2))
  t.comment(`the first ${Math.min(...taken.map(({ at }) => at)) - killedAt} ms after the kill`)
  t.equal(await work.countDocuments({ kind: 'item' }), 0)
})

t.test('a server that was stopped for longer than its lease undoes nothing of its successor', async t => {
  const { uri, work } = await openWork(t)
  const jobs = await openJobs(t, uri)
  const notes = new Notes()
  const has = (by: string, says: string, rev: number) => () =>
    notes.all.some(note => note.by === by && note.says === says && note.job === 'item' && note.rev === rev)
  const a = await WorkerProcess.start(t, uri, 'a', notes, ['k0'])
  await jobs.enqueue('item', [{ key: 'k0', rev: 1 }])
  await notes.until(has('a', 'started', 1))
  await a.signal('SIGSTOP')
  await jobs.enqueue('item', [{ key: 'k0', rev: 2 }])
  const b = await WorkerProcess.start(t, uri, 'b', notes, ['k0'])
  await notes.until(has('b', 'started', 2))
  await a.signal('SIGCONT')
  await notes.until(has('a', 'aborted', 1))
  a.release()
  await notes.until(has('a', 'done', 1))
  await a.stop()
  const [item] = await work.find({ kind: 'item' }).toArray()
  t.equal(item?.rev, 2, 'the item is there still')
  t.ok(item?.leaseBy, 'and in the hands of the other')
  b.release()
  await notes.until(has('b', 'done', 2))
  await b.stop()
  t.equal(await work.countDocuments({ kind: 'item' }), 0)
})

t.test('what one server at a time does: never two, and taken over from a killed one', async t => {
  const { uri, work } = await openWork(t)
  const notes = new Notes()
  const ticks = () => notes.all.filter(({ job }) => job === 'tick')
  const a = await WorkerProcess.start(t, uri, 'a', notes, ['tick'])
  await notes.until(() => ticks().length === 1)
  const b = await WorkerProcess.start(t, uri, 'b', notes)
  const find = async () => await work.findOne({ _id: 'job:tick' })
  const [first, seen] = [await find(), new Set<number>()]
  // Its holder renews the lease: the other, who has been looking all the time, has not got it.
  while (seen.size < 4) seen.add((await find())?.dueAt.getTime() ?? 0)
  t.equal((await find())?.leaseBy, first?.leaseBy)
  t.equal(ticks().length, 1, 'nobody else has run it')
  await a.signal('SIGKILL')
  const until = (await find())?.dueAt.getTime() ?? Infinity
  await notes.until(() => ticks().filter(({ by, says }) => by === 'b' && says === 'done').length >= 5)
  await b.stop()
  const [taken] = ticks().filter(({ by }) => by === 'b')
  t.ok((taken?.at ?? 0) >= until, 'not before the lease was over')
  t.same(
    ticks()
      .slice(1)
      .map(({ says }) => says),
    ticks()
      .slice(1)
      .map((_, index) => (index % 2 === 0 ? 'started' : 'done')),
    'one run after the other'
  )
  t.equal(await work.countDocuments({ kind: 'job:tick' }), 1, 'it comes back')
})
