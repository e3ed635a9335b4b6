import type { WireError } from '../protocol/envelope.ts'
import { ERRORS, type ErrorCode } from '../protocol/errors.ts'
import { omitUndefined } from './omit-undefined.ts'

/** Time after which another server answers in the place of one that goes away, ms. */
const COME_BACK_MS = 1_000

interface AppErrorOptions extends ErrorOptions {
  /** Delay after which trying again may help, ms. */
  retryAfterMs?: number
}

/** The only error that a subject throws on purpose; anything else is a bug and answers `internal`. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options?: AppErrorOptions) {
    super(message, options)
    this.code = code
    this.retryAfterMs = options?.retryAfterMs
  }
}

/** An error as it goes on the wire. Nothing is told of one that was not thrown on purpose: it is `internal`. */
export function presentError(error: unknown): WireError {
  const { code, message, retryAfterMs } = error instanceof AppError ? error : INTERNAL
  return { code, message, retry: ERRORS[code].retry, ...omitUndefined({ retryAfterMs }) }
}

/** The refusal of a server that is going away. */
export function goingAway(): AppError {
  return new AppError('draining', 'The server is going away', { retryAfterMs: COME_BACK_MS })
}

const INTERNAL = new AppError('internal', 'Something went wrong')
