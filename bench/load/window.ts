import { cpuMs } from '../process.ts'
import type { Target } from './wire.ts'

/** Cost of a stretch of time. */
export interface Cost {
  readonly seconds: number
  readonly serverCpuMs: number
  readonly mongodCpuMs: number
  readonly loadCpuMs: number
}

/** A stretch of time and the CPU that server, `mongod` and load use in it; it starts when it is made. */
export class Window {
  readonly startedAt = performance.now()
  readonly #target: Target
  readonly #before: readonly [number, number, number]
  constructor(target: Target) {
    this.#target = target
    this.#before = readCpu(target)
  }

  /** The cost from the start to now. */
  cost(): Cost {
    const [server, mongod, load] = readCpu(this.#target)
    return {
      seconds: (performance.now() - this.startedAt) / 1000,
      serverCpuMs: server - this.#before[0],
      mongodCpuMs: mongod - this.#before[1],
      loadCpuMs: load - this.#before[2]
    }
  }
}

function readCpu({ serverPid, second, mongodPid }: Target): [number, number, number] {
  const serverMs = cpuMs(serverPid) + (second === undefined ? 0 : cpuMs(second.serverPid))
  return [serverMs, mongodPid > 0 ? cpuMs(mongodPid) : 0, cpuMs(process.pid)]
}
