import t from 'tap'
import { Batcher } from '../../src/limits/batcher.ts'

/** Batches that wait until they are let go. */
class Batches {
  readonly seen: (readonly string[])[] = []
  readonly #running: ((error?: Error) => void)[] = []
  #begun: () => void = () => undefined

  async run(items: readonly string[]): Promise<string[]> {
    this.seen.push(items)
    await new Promise<void>((resolve, reject) => {
      this.#running.push(error => (error === undefined ? resolve() : reject(error)))
      this.#begun()
    })
    return items.map(item => item.toUpperCase())
  }

  /** Resolves once another batch has begun. */
  async begun(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#begun = resolve
    })
  }

  end(error?: Error): void {
    this.#running.shift()?.(error)
  }
}

t.test('what is asked for in one turn, and then during a batch, goes together; each gets its own result', async t => {
  const batches = new Batches()
  const batcher = new Batcher(async (items: readonly string[]) => await batches.run(items), 3)
  const first = ['a', 'b'].map(async item => await batcher.add(item))
  await batches.begun()
  const next = ['c', 'd', 'e', 'f'].map(async item => await batcher.add(item))
  t.same(batches.seen, [['a', 'b']], 'nothing is run beside the batch')
  for (let ended = 0; ended < 3; ended++) {
    const begun = batches.begun()
    batches.end()
    if (ended < 2) await begun
  }
  t.same(await Promise.all([...first, ...next]), ['A', 'B', 'C', 'D', 'E', 'F'])
  t.same(batches.seen, [['a', 'b'], ['c', 'd', 'e'], ['f']], 'at most three go together')
})

t.test('a batch that fails fails for its own items only, and the next one runs', async t => {
  const batches = new Batches()
  const batcher = new Batcher(async (items: readonly string[]) => await batches.run(items), 10)
  const first = batcher.add('a')
  await batches.begun()
  const next = batcher.add('b')
  const begun = batches.begun()
  batches.end(new Error('no answer'))
  await t.rejects(first, { message: 'no answer' })
  await begun
  batches.end()
  t.equal(await next, 'B')
})

t.test('a batch that gives too few results fails for whom it has none', async t => {
  const batcher = new Batcher(async (items: readonly string[]) => await Promise.resolve(items.slice(1)), 10)
  const [first, last] = await Promise.allSettled([batcher.add('a'), batcher.add('b')])
  t.match(first, { status: 'fulfilled', value: 'b' })
  t.match(last, { status: 'rejected', reason: { message: 'A batch has fewer results than items' } })
})

t.test('where many come, they gather for a while after each batch; who comes alone waits for nobody', async t => {
  const seen: (readonly number[])[] = []
  const run = async (items: readonly number[]) => {
    seen.push(items)
    return items
  }
  const batcher = new Batcher(run, 10, { gatherMs: 50 })
  await Promise.all([batcher.add(1), batcher.add(2)])
  const third = batcher.add(3)
  await new Promise(resolve => setImmediate(resolve))
  t.same(await Promise.all([third, batcher.add(4)]), [3, 4])
  t.same(seen, [
    [1, 2],
    [3, 4]
  ])
  const eager = new Batcher(run, 10, { gatherMs: 3_600_000 })
  t.equal(await eager.add(5), 5)
  t.equal(await eager.add(6), 6)
})
