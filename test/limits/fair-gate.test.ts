import t from 'tap'
import { AppError } from '../../src/errors.ts'
import { FairGate } from '../../src/limits/fair-gate.ts'

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
    await this.#gate.run(name.slice(0, 1), async () => {
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
    done.push(works.add('b1'))
    await t.rejects(works.add('c1'), { code: 'busy' }, 'three wait already')
    await works.end('a1')
    done.push(works.add('c1'))
    for (const name of ['a2', 'b1', 'a3', 'c1']) await works.end(name)
    t.same(works.begun, ['a1', 'a2', 'b1', 'a3', 'c1'])
    await Promise.all(done)
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
