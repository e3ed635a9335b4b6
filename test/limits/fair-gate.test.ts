import t from 'tap'
import { FairGate } from '../../src/limits/fair-gate.ts'

/** A gate, and who has gone through, in order. Work ends when the test says so. */
function openGate({ width = 1, maxWaiting = 100 } = {}) {
  const gate = new FairGate({ width, maxWaiting })
  const running: (() => void)[] = []
  const through: string[] = []
  const enter = (party: string, { maxWaiting = 100, isUrgent = false } = {}) =>
    gate.run({ party, maxWaiting, isUrgent }, async () => {
      through.push(party)
      await new Promise<void>(resolve => running.push(resolve))
    })
  /** Ends what is running, until nobody waits. */
  const drain = async () => {
    do {
      await new Promise(resolve => setImmediate(resolve))
      running.shift()?.()
      await new Promise(resolve => setImmediate(resolve))
    } while (running.length > 0)
  }
  return { enter, through, drain }
}

t.test('S21: parties take turns, however many each has brought', async t => {
  const { enter, through, drain } = openGate()
  const all = ['x', 'x', 'x', 'x', 'a', 'b', 'x', 'a'].map(async party => await enter(party))
  await drain()
  await Promise.all(all)
  t.same(through, ['x', 'x', 'a', 'b', 'x', 'a', 'x', 'x'])
})

t.test('S21: what is urgent goes first, and the rest is not starved', async t => {
  const { enter, through, drain } = openGate()
  const all = [
    ...Array.from({ length: 5 }, async () => await enter('rest')),
    ...Array.from({ length: 8 }, async () => await enter('sign-in', { isUrgent: true }))
  ]
  await drain()
  await Promise.all(all)
  t.same(through.slice(1, 9), [...Array(3).fill('sign-in'), 'rest', ...Array(3).fill('sign-in'), 'rest'])
  t.equal(through.length, 13)
})

t.test('S21: a party has its places in the line and no more, and gets them back', async t => {
  const { enter, drain } = openGate()
  const first = enter('x')
  const waiting = [enter('x', { maxWaiting: 2 }), enter('x', { maxWaiting: 2 })]
  await t.rejects(enter('x', { maxWaiting: 2 }), { code: 'busy', retryAfterMs: Number })
  const neighbour = enter('y', { maxWaiting: 2 })
  await drain()
  await Promise.all([first, ...waiting, neighbour])
  const again = enter('x', { maxWaiting: 2 })
  await drain()
  await t.resolves(again)
})

t.test('S21: a full line sends away the last of the longest party, and never who has come alone', async t => {
  const { enter, through, drain } = openGate({ maxWaiting: 4 })
  const many = ['x', 'x', 'x', 'x', 'x'].map(async party => await enter(party))
  await t.rejects(enter('x'), { code: 'busy' }, 'the longest party itself')
  const others = ['a', 'b', 'c'].map(async party => await enter(party, { isUrgent: true }))
  t.same(
    (await Promise.allSettled(many.slice(2))).map(({ status }) => status),
    Array(3).fill('rejected')
  )
  await t.rejects(enter('d'), { code: 'busy' }, 'all have come alone')
  await drain()
  await Promise.all([...many.slice(0, 2), ...others])
  t.same(through, ['x', 'a', 'b', 'c', 'x'])
})

t.test('S21: as many as the width are let through at once, and a failure lets the next one in', async t => {
  const gate = new FairGate({ width: 2, maxWaiting: 10 })
  let running = 0
  let most = 0
  const turn = { party: 'x', maxWaiting: 10, isUrgent: true }
  const work = Array.from({ length: 8 }, async (_, index) =>
    gate.run(turn, async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise(resolve => setImmediate(resolve))
      running -= 1
      if (index % 2 === 0) throw new Error('failed')
    })
  )
  const results = await Promise.allSettled(work)
  t.equal(most, 2)
  t.equal(results.filter(({ status }) => status === 'rejected').length, 4)
})
