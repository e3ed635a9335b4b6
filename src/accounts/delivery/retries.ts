import { setTimeout as pause } from 'node:timers/promises'
import { DeliveryError } from './port.ts'

const TRIES = 4

/** Wait after the first failed try, ms; each further wait is twice as long. */
export interface RetryOptions {
  readonly backoffMs?: number
}

/**
 * Tries up to four times, with growing and jittered pauses; what would fail again is not tried again.
 * The signal ends a pause. @throws {DeliveryError} of the last try
 */
export async function withRetries(
  work: () => Promise<void>,
  signal: AbortSignal,
  { backoffMs = 500 }: RetryOptions = {}
): Promise<void> {
  for (let tried = 1; ; tried++) {
    const error = await failureOf(work)
    if (error === undefined) return
    if (error.isPermanent || tried === TRIES || signal.aborted) throw error
    await pause(backoffMs * 2 ** (tried - 1) * (0.5 + Math.random()), undefined, { signal }).catch(() => {
      throw error
    })
  }
}

async function failureOf(work: () => Promise<void>): Promise<DeliveryError | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    return error instanceof DeliveryError ? error : new DeliveryError('The delivery failed', false)
  }
}
