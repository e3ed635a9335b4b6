import type { ErrorCode } from '../protocol/errors.ts'

interface AppErrorOptions extends ErrorOptions {
  /** When trying again may help, ms. */
  retryAfterMs?: number
}

/** The only error a service throws on purpose; anything else is a bug and answers `internal`. */
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
