import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '../database/index.ts'
import { rateOf, TokenBucket } from '../limits/token-buckets.ts'

/** A look at the heads that takes place every two seconds and is older than this has stopped, ms. */
const MAX_LOOK_AGE_MS = 15_000

interface HealthDeps {
  readonly database: Pick<Database, 'probe'>
  /** The job that looks at moved heads: how long ago its last run succeeded, ms. */
  readonly headPoller: { readonly ageMs: number }
}

/** Time for which one probe answers everybody, ms: a probe is a write, and anybody may ask. */
const SHARED_MS = 1_000
/** Questions that are answered at once. */
const AT_ONCE = rateOf(50, SHARED_MS)

/** Proves that the server can do its work, not only that it answers. */
export class HealthService {
  readonly #database: HealthDeps['database']
  readonly #headPoller: HealthDeps['headPoller']
  readonly #questions = new TokenBucket(AT_ONCE)
  #last: { readonly at: number; readonly outcome: Promise<void> } | undefined

  constructor({ database, headPoller }: HealthDeps) {
    this.#database = database
    this.#headPoller = headPoller
  }

  /**
   * Commits a write with a majority within the time, ms, and makes sure that what other processes commit is still
   * looked for and delivered here, or tells how that went within the last second. Rejects otherwise. Of many who ask
   * some wait for the next probe: who asks again as soon as they are answered keeps nobody from their work. The answer
   * comes within the time, whatever the database does.
   */
  readonly probe = async (timeoutMs: number): Promise<void> => await within(timeoutMs, this.#ask(timeoutMs))

  async #ask(timeoutMs: number): Promise<void> {
    if (this.#questions.take() > 0) await delay(SHARED_MS)
    const now = performance.now()
    if (this.#last === undefined || now - this.#last.at > SHARED_MS) {
      this.#last = { at: now, outcome: this.#probe(timeoutMs) }
    }
    await this.#last.outcome
  }

  async #probe(timeoutMs: number): Promise<void> {
    await this.#database.probe(timeoutMs)
    if (this.#headPoller.ageMs > MAX_LOOK_AGE_MS) throw new Error('The look at moved heads has stopped')
  }
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const over = new AbortController()
  const late = delay(timeoutMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`The database has not committed a write within ${timeoutMs} ms`)
  })
  try {
    await Promise.race([work, late])
  } finally {
    over.abort()
  }
}
