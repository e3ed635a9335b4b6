import { setTimeout as delay } from 'node:timers/promises'
import { encodeEphemeral } from '../../../protocol/envelope.ts'
import { Drain as DrainEvent } from '../../../protocol/events/session.ts'
import { type SocketConnection, sendText } from './connection.ts'

/** Clients come back at no more than this many a second, and all of them within the window, ms. */
const COMING_BACK_PER_SECOND = 200
const MAX_WINDOW_MS = 20_000
/** How long commands under way may take to finish, ms. */
const FINISH_MS = 5_000

/** The end of a server: clients leave one by one, so that they do not come back all at once elsewhere. */
export class Drain {
  #hasBegun = false

  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Resolves when every connection was told to go and no command is under way any more. */
  async run(connections: readonly SocketConnection[], isBusy: () => boolean): Promise<void> {
    this.#hasBegun = true
    const windowMs = Math.min(MAX_WINDOW_MS, (connections.length / COMING_BACK_PER_SECOND) * 1_000)
    const until = performance.now() + FINISH_MS
    const leaving = connections.map(async connection => {
      const inMs = Math.round(Math.random() * windowMs)
      sendText(connection, encodeEphemeral(DrainEvent.type, { inMs }))
      await delay(inMs)
      while (isBusy() && performance.now() < until) await delay(10)
      connection.close('drain')
    })
    await Promise.all(leaving)
  }
}
