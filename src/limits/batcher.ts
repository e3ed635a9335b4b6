import { setTimeout as sleep } from 'node:timers/promises'

interface Waiting<Item, Result> {
  readonly item: Item
  resolve(result: Result): void
  reject(error: unknown): void
}

/** Does together what is asked for at the same time: while one batch is on its way, the next one gathers. */
export class Batcher<Item, Result> {
  readonly #run: (items: readonly Item[]) => Promise<Iterable<Result>>
  readonly #maxItems: number
  readonly #gatherMs: number
  readonly #atOnce: number
  readonly #waiting: Waiting<Item, Result>[] = []
  #running = 0

  /**
   * @param run does a batch of at most `maxItems`; one result for each item, in their order
   * @param gatherMs rest after a batch of several, ms, in which more gather: under load fewer and larger ones come of it
   * @param atOnce batches that may be on their way beside each other, so that a slow one does not hold up all others
   */
  constructor(
    run: (items: readonly Item[]) => Promise<Iterable<Result>>,
    maxItems: number,
    { gatherMs = 0, atOnce = 1 }: { readonly gatherMs?: number; readonly atOnce?: number } = {}
  ) {
    this.#run = run
    this.#maxItems = maxItems
    this.#gatherMs = gatherMs
    this.#atOnce = atOnce
  }

  /** Rejects when the batch of the item does. */
  async add(item: Item): Promise<Result> {
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (this.#running < this.#atOnce) void this.#runAll()
    })
  }

  async #runAll(): Promise<void> {
    this.#running++
    // What is asked for in the same turn goes together, too.
    await new Promise(resolve => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#maxItems)
      await this.#runBatch(batch)
      if (this.#gatherMs > 0 && batch.length > 1) await sleep(this.#gatherMs)
    }
    this.#running--
  }

  async #runBatch(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = (await this.#run(batch.map(({ item }) => item)))[Symbol.iterator]()
      for (const { resolve } of batch) {
        const { done = false, value } = results.next()
        if (done) throw new Error('A batch has fewer results than items')
        resolve(value)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
