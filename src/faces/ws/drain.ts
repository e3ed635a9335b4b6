import { setTimeout as delay } from 'node:timers/promises'
import { Drain as DrainEvent } from '../../../protocol/connection/events.ts'
import { encodeEphemeral } from '../../../protocol/envelope.ts'
import type { Timings } from '../../config/config.ts'
import { type SocketConnection, sendText } from './connection.ts'

/** Clients come back at no more than this many a second, and all of them within the window. */
const COMING_BACK_PER_SECOND = 200

/** The end of a server: clients leave one by one, so that they do not come back all at once elsewhere. */
export class Drain {
  readonly #timings: Timings
  #hasBegun = false

  constructor(timings: Timings) {
    this.#timings = timings
  }

  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Resolves when every connection was told to go and no command is under way any more. */
  async run(connections: readonly SocketConnection[], isBusy: () => boolean): Promise<void> {
    this.#hasBegun = true
    const { drainWindowMs, drainFinishMs } = this.#timings
    const windowMs = Math.min(drainWindowMs, (connections.length / COMING_BACK_PER_SECOND) * 1_000)
    const until = performance.now() + drainFinishMs
    const leaving = connections.map(async connection => {
      const inMs = Math.round(Math.random() * windowMs)
      sendText(connection, encodeEphemeral(DrainEvent.type, { inMs }))
      await delay(inMs)
      while (isBusy() && performance.now() < until) await delay(10)
      await connection.leave()
    })
    await Promise.all(leaving)
  }
}
