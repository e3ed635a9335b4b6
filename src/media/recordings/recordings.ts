import { Worker } from 'node:worker_threads'
import { FairGate } from '../../limits/fair-gate.ts'
import type { Facts } from './facts.ts'

/** Memory of each thread for its objects; the bytes that it holds are bounded by what it reads. */
const MAX_HEAP_MEBIBYTES = 192

/** Program of the threads that read them: beside this file, where the build leaves it when it bundles this one. */
const PROGRAM = new URL(
  import.meta.url.endsWith('/recordings.js') ? './worker.js' : '../src/media/recordings/worker.js',
  import.meta.url
)

/** Looks at sounds and films. */
export class Recordings {
  readonly #limitMs: number
  readonly #gate = new FairGate({ width: 2, widthEach: 1, maxWaiting: 1_000, maxWaitingEach: 20 })

  /** @param limitMs time that one gets: some are made so that who reads them comes to no end */
  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  /**
   * Facts of a recording, as far as its container tells them soon; of a sound alone also how loud it is over time. A
   * thread reads it, which ends with it: what takes too long, or breaks it, stops nothing else, and keeps nobody from
   * sending and fetching the file.
   */
  async read(path: string, ownerId: string): Promise<Facts> {
    return await this.#gate.run({ party: ownerId }, async () => await this.#read(path))
  }

  async #read(path: string): Promise<Facts> {
    const worker = new Worker(PROGRAM, {
      ...{ workerData: path, env: {}, execArgv: [] },
      // The decoder writes to the console of whatever is broken.
      ...{ stdout: true, stderr: true },
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MEBIBYTES }
    })
    worker.stdout.resume()
    worker.stderr.resume()
    const timer = setTimeout(() => void worker.terminate(), this.#limitMs)
    try {
      return await new Promise(resolve => {
        let facts: Facts = {}
        worker.on('message', (some: Facts) => {
          facts = { ...facts, ...some }
        })
        worker.on('error', () => undefined)
        worker.on('exit', () => resolve(facts))
      })
    } finally {
      clearTimeout(timer)
    }
  }
}
