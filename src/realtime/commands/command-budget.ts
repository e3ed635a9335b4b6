import type { Limits } from '../../../protocol/limits.ts'
import { AppError } from '../../errors.ts'

const REFUSALS_WINDOW_MS = 10_000

/** Limits of one connection: commands under way, commands a second, and refusals before it is closed. */
export class CommandBudget {
  readonly #limits: Limits
  #running = 0
  #tokens: number
  #filledAt = performance.now()
  #refusals = 0
  #refusalsSince = 0

  constructor(limits: Limits) {
    this.#limits = limits
    this.#tokens = limits.commandsBurst
  }

  /** Commands that have not been answered yet. */
  get running(): number {
    return this.#running
  }

  /** Takes one command's worth. @returns the refusal when it may not be said now */
  take(): AppError | undefined {
    const { commandsInFlight, commandsPerSecond, commandsBurst } = this.#limits
    if (this.#running >= commandsInFlight) return new AppError('too_many_in_flight', 'Wait for replies first')
    const now = performance.now()
    this.#tokens = Math.min(commandsBurst, this.#tokens + ((now - this.#filledAt) * commandsPerSecond) / 1_000)
    this.#filledAt = now
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      return undefined
    }
    const retryAfterMs = Math.ceil(((1 - this.#tokens) * 1_000) / commandsPerSecond)
    return new AppError('rate_limited', 'Too many commands', { retryAfterMs })
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
