import t from 'tap'
import { AppError } from '../../src/errors.ts'
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

/** Work at a gate that ends when it is told to. */
class Works {
  readonly begun: string[] = []
  readonly #gate: FairGate
  readonly #end = new Map<string, (error?: Error) => void>()

  constructor(gate: FairGate) {
    this.#gate = gate
  }

  /** @param name its first letter is the person's name */
  async add(name: string): Promise<void> {
    await this.#gate.run({ party: name.slice(0, 1) }, async () => {
      this.begun.push(name)
      await new Promise<void>((resolve, reject) => {
        this.#end.set(name, error => (error === undefined ? resolve() : reject(error)))
      })
    })
  }

  /** Ends a work, and lets those begin that can. */
  async end(name: string, error?: Error): Promise<void> {
    this.#end.get(name)?.(error)
    await settled()
  }
}

/** Resolves when everything has begun that can. */
async function settled(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

const ROOM = { maxWaiting: 100, maxWaitingEach: 100 }

t.test('S09: of one person only some is done at once, and nobody waits behind all that waits of another', async t => {
  const works = new Works(new FairGate({ width: 3, widthEach: 2, ...ROOM }))
  const done = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'c1'].map(async name => await works.add(name))
  await settled()
  t.same(works.begun, ['a1', 'a2', 'b1'], 'the third place is for somebody else')
  for (const name of ['b1', 'b2', 'c1', 'a1', 'a2', 'a3', 'a4', 'a5']) await works.end(name)
  t.same(works.begun, ['a1', 'a2', 'b1', 'b2', 'c1', 'a3', 'a4', 'a5'])
  await Promise.all(done)
})

t.test('S09: those who wait have a turn one after the other', async t => {
  const works = new Works(new FairGate({ width: 1, widthEach: 1, ...ROOM }))
  const names = ['x1', 'a1', 'a2', 'a3', 'b1', 'b2', 'c1']
  const done = names.map(async name => await works.add(name))
  await settled()
  for (const name of ['x1', 'a1', 'b1', 'c1', 'a2', 'b2']) await works.end(name)
  t.same(works.begun, ['x1', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  await works.end('a3')
  await Promise.all(done)
})

t.test(
  'S09: the line is bounded for each and for all; beyond it is busy, and free again when somebody has gone',
  async t => {
    const works = new Works(new FairGate({ width: 1, widthEach: 1, maxWaiting: 3, maxWaitingEach: 2 }))
    const done = ['a1', 'a2', 'a3'].map(async name => await works.add(name))
    const refused = await works.add('a4').catch(error => error)
    t.match(refused, new AppError('busy', 'Too many are waiting; try again', { retryAfterMs: 2_000 }))
    done.push(works.add('b1'), works.add('c1'))
    await t.rejects(done[2] ?? Promise.resolve(), { code: 'busy' }, 'three wait: who has most gives one place up')
    await t.rejects(works.add('d1'), { code: 'busy' }, 'and then each has one')
    await works.end('a1')
    done.push(works.add('d1'))
    for (const name of ['a2', 'b1', 'c1', 'd1']) await works.end(name)
    t.same(works.begun, ['a1', 'a2', 'b1', 'c1', 'd1'])
    await Promise.allSettled(done)
  }
)

t.test('S09: work that fails gives its place back', async t => {
  const works = new Works(new FairGate({ width: 1, widthEach: 1, ...ROOM }))
  const failing = works.add('a1')
  const next = works.add('a2')
  await settled()
  await Promise.all([t.rejects(failing, { message: 'no answer' }), works.end('a1', new Error('no answer'))])
  await works.end('a2')
  await next
  t.same(works.begun, ['a1', 'a2'])
})
