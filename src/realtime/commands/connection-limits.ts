import type { Limits } from '../../../protocol/limits.ts'
import { AppError } from '../../errors.ts'

/** Time for which a refusal counts at most, ms. */
const COUNTED_MS = 10_000

/** Limits of one connection: commands under way, and refusals before it is closed. */
export class ConnectionLimits {
  readonly #limits: Limits
  #running = 0
  /** Moment at which the one refused last may come back. */
  #roomAt = 0
  /** Moments until which refusals count. */
  #refusals: number[] = []

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Commands that have not been answered yet. */
  get running(): number {
    return this.#running
  }

  /** @throws {AppError} `too_many_in_flight`, each with a later time, so that they do not come back together */
  requireRoom(): void {
    const { commandsInFlight, commandsPerSecond } = this.#limits
    if (this.#running < commandsInFlight) return
    const now = performance.now()
    this.#roomAt = Math.max(now, this.#roomAt) + 1_000 / commandsPerSecond
    throw new AppError('too_many_in_flight', 'Wait for replies first', { retryAfterMs: Math.ceil(this.#roomAt - now) })
  }

  begin(): void {
    this.#running += 1
  }

  end(): void {
    this.#running -= 1
  }

  /**
   * Counts a refusal until the client may come back: of one that keeps to it none has been counted then.
   * @param retryAfterMs what the client was told
   * @returns whether too many count
   */
  countRefusal(retryAfterMs = COUNTED_MS): boolean {
    const now = performance.now()
    const { refusalsPerTenSeconds: max } = this.#limits
    const [oldest = now] = this.#refusals
    if (oldest <= now || this.#refusals.length >= max) this.#refusals = this.#refusals.filter(until => until > now)
    this.#refusals.push(now + Math.min(retryAfterMs, COUNTED_MS))
    return this.#refusals.length > max
  }
}
