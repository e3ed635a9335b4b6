import { AppError } from '../../errors.ts'

/** Refusal of a token that only its time has made void. */
export function expiredToken(cause: unknown): AppError {
  return new AppError('token_expired', 'The token has expired', { cause })
}

/** Refusal of any other token. */
export function invalidToken(cause?: unknown): AppError {
  return new AppError('unauthenticated', 'The token is not valid', { cause })
}

/** Whether a library has thrown an error of this code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
