import { mock } from 'node:test'
import t from 'tap'
import { Counters } from '../../src/limits/counters.ts'

type Tap = Pick<typeof t, 'teardown'>

/** Sets the clock to 0, and lets it go on only by what is said. */
function stopClock(t: Tap): (ms: number) => void {
  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 0 })
  t.teardown(() => mock.timers.reset())
  return ms => mock.timers.tick(ms)
}

/** How long to wait, or 0 for what is let through. */
async function take(counters: Counters, key: string, amount?: number): Promise<number> {
  return await counters.take(key, amount).then(
    () => 0,
    ({ code, retryAfterMs }) => (code === 'rate_limited' ? retryAfterMs : -1)
  )
}

t.test('counts within a window that begins with the first try, and says how long it lasts', async t => {
  const pass = stopClock(t)
  const counters = new Counters({ limit: 2, windowMs: 1_000 })
  t.equal(await take(counters, 'a'), 0)
  pass(100)
  t.equal(await take(counters, 'a'), 0)
  pass(300)
  t.equal(await take(counters, 'a'), 600)
  t.equal(await take(counters, 'b'), 0, 'another key')
  pass(600)
  t.same([await take(counters, 'a'), await take(counters, 'a'), await take(counters, 'a')], [0, 0, 1_000], 'the next')
})

t.test('what is refused is not counted, and what is given back counts no more', async t => {
  stopClock(t)
  const counters = new Counters({ limit: 5, windowMs: 1_000 })
  t.same([await take(counters, 'a', 4), await take(counters, 'a', 2), await take(counters, 'a')], [0, 1_000, 0])
  t.equal(await take(counters, 'a'), 1_000)
  await counters.giveBack('a')
  t.same([await take(counters, 'a'), await take(counters, 'a')], [0, 1_000])
})

t.test('what is given back after the window is no credit', async t => {
  const pass = stopClock(t)
  const counters = new Counters({ limit: 1, windowMs: 1_000 })
  await counters.take('a')
  pass(1_000)
  await counters.giveBack('a')
  await counters.giveBack('b')
  t.same([await take(counters, 'a'), await take(counters, 'a')], [0, 1_000])
  t.same([await take(counters, 'b'), await take(counters, 'b')], [0, 1_000])
})

t.test('of several at once as many are let through as may', async t => {
  const counters = new Counters({ limit: 3, windowMs: 60_000 })
  const waits = await Promise.all(Array.from({ length: 10 }, async () => await take(counters, 'a')))
  t.equal(waits.filter(wait => wait === 0).length, 3)
})

t.test('the keys not counted for longest are forgotten first', async t => {
  stopClock(t)
  const counters = new Counters({ limit: 1, windowMs: 1_000, maxKeys: 2 })
  for (const key of ['a', 'b']) await counters.take(key)
  t.equal(await take(counters, 'a'), 1_000)
  await counters.take('c')
  t.same([await take(counters, 'a'), await take(counters, 'b')], [1_000, 0], 'b is counted from the start')
})
