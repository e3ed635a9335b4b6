import type { Store } from '../database/database.ts'
import type { Lookout } from '../sync/head-poller.ts'

/** A look at the heads that takes place every two seconds and is older than this has stopped, ms. */
const MAX_LOOK_AGE_MS = 15_000

/** Proves that the server can do its work, not only that it answers. */
export class HealthService {
  readonly #store: Pick<Store, 'probe'>
  readonly #lookout: Pick<Lookout, 'ageMs'>

  constructor({ store, lookout }: { store: Pick<Store, 'probe'>; lookout: Pick<Lookout, 'ageMs'> }) {
    this.#store = store
    this.#lookout = lookout
  }

  /**
   * Commits a write with a majority within the time, ms, and makes sure that what other processes commit is still
   * looked for and delivered here. Rejects otherwise.
   */
  readonly probe = async (timeoutMs: number): Promise<void> => {
    await this.#store.probe(timeoutMs)
    if (this.#lookout.ageMs > MAX_LOOK_AGE_MS) throw new Error('The look at moved heads has stopped')
  }
}
