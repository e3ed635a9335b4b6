import { Wake } from './wake.ts'

/** Work that comes back. */
export interface PeriodicJob {
  readonly name: string
  /** Interval from the end of one run to the start of the next. */
  readonly everyMs: number
  /** @param signal aborted when the server stops, or another one has taken it over */
  run(signal: AbortSignal): Promise<void>
}

/** A job that each server runs for itself. It never overlaps itself; what fails is reported and tried again in time. */
export class EveryServerJob {
  readonly #job: PeriodicJob
  readonly #onError: (error: unknown) => void
  readonly #wake = new Wake()
  readonly #abort = new AbortController()
  #isStopped = false
  #loop: Promise<void> | undefined
  #succeededAt = performance.now()

  constructor(job: PeriodicJob, onError: (error: unknown) => void) {
    this.#job = job
    this.#onError = onError
  }

  /** Time since the last run that succeeded, ms; before the first, the age of the job. */
  get ageMs(): number {
    return performance.now() - this.#succeededAt
  }

  /** Runs once, then at its interval. Rejects when the first run fails. */
  async start(): Promise<void> {
    await this.#run()
    this.#loop = this.#repeat()
  }

  /** Resolves when a run under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#abort.abort()
    this.#wake.wake()
    await this.#loop
  }

  async #repeat(): Promise<void> {
    for (;;) {
      await this.#wake.sleep(this.#job.everyMs)
      if (this.#isStopped) return
      await this.#run().catch(this.#onError)
    }
  }

  async #run(): Promise<void> {
    await this.#job.run(this.#abort.signal)
    this.#succeededAt = performance.now()
  }
}
