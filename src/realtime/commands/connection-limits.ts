import type { Limits } from '../../../protocol/limits.ts'
import { AppError } from '../../errors.ts'

const REFUSALS_WINDOW_MS = 10_000

/** Limits of one connection: commands under way, and refusals before it is closed. */
export class ConnectionLimits {
  readonly #limits: Limits
  #running = 0
  #refusals = 0
  #refusalsSince = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Commands that have not been answered yet. */
  get running(): number {
    return this.#running
  }

  /** @throws {AppError} `too_many_in_flight` */
  requireRoom(): void {
    if (this.#running >= this.#limits.commandsInFlight) {
      throw new AppError('too_many_in_flight', 'Wait for replies first')
    }
  }

  begin(): void {
    this.#running += 1
  }

  end(): void {
    this.#running -= 1
  }

  /** @returns whether there have been too many refusals */
  countRefusal(): boolean {
    const now = performance.now()
    if (now - this.#refusalsSince > REFUSALS_WINDOW_MS) {
      this.#refusalsSince = now
      this.#refusals = 0
    }
    this.#refusals += 1
    return this.#refusals > this.#limits.refusalsPerTenSeconds
  }
}
