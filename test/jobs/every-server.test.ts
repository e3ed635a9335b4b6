import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { openJobs, openWork } from './rig.ts'

t.test('a job of each server comes back, survives its errors, and never runs twice at the same time', async t => {
  const { uri } = await openWork(t)
  const errors: unknown[] = []
  const jobs = await openJobs(t, uri, { onError: error => errors.push(error) })
  const said = new EventEmitter()
  let [runs, under, most] = [0, 0, 0]
  const job = jobs.everyServer({
    name: 'beat',
    everyMs: 1,
    run: async () => {
      most = Math.max(most, ++under)
      await new Promise(resolve => setImmediate(resolve))
      under--
      said.emit('run', ++runs)
      if (runs === 3) throw new Error('The third')
    }
  })
  await jobs.start()
  t.ok(runs >= 1, 'it has run before the server is ready')
  while (runs < 6) await once(said, 'run')
  t.equal(most, 1)
  t.match(errors, [{ message: 'The third' }])
  t.equal(errors.length, 1)
  t.ok(job.ageMs < 60_000)
  await jobs.stop()
  const [ran, ageMs] = [runs, job.ageMs]
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(runs, ran, 'it has stopped')
  t.ok(job.ageMs > ageMs, 'and its last success gets older')
})

t.test('a server whose job fails at first does not start', async t => {
  const { uri } = await openWork(t)
  const jobs = await openJobs(t, uri)
  jobs.everyServer({ name: 'beat', everyMs: 1, run: () => Promise.reject(new Error('No database')) })
  await t.rejects(jobs.start(), { message: 'No database' })
})
