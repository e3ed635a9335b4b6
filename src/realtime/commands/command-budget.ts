import type { Limits } from '../../../protocol/limits.ts'
import { AppError } from '../../errors.ts'
import { TokenBucket } from '../../limits/token-buckets.ts'

const REFUSALS_WINDOW_MS = 10_000

/** Limits of one connection: commands under way, commands a second, and refusals before it is closed. */
export class CommandBudget {
  readonly #limits: Limits
  #running = 0
  readonly #tokens: TokenBucket
  #refusals = 0
  #refusalsSince = 0

  constructor(limits: Limits) {
    this.#limits = limits
    this.#tokens = new TokenBucket({ perSecond: limits.commandsPerSecond, burst: limits.commandsBurst })
  }

  /** Commands that have not been answered yet. */
  get running(): number {
    return this.#running
  }

  /** Takes one command's worth. @returns the refusal when it may not be said now */
  take(): AppError | undefined {
    if (this.#running >= this.#limits.commandsInFlight) {
      return new AppError('too_many_in_flight', 'Wait for replies first')
    }
    const retryAfterMs = this.#tokens.take()
    return retryAfterMs > 0 ? new AppError('rate_limited', 'Too many commands', { retryAfterMs }) : undefined
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
