import { AppError } from '../../errors.ts'

/** Error for a code that is not there, or not for who asks. */
export function noCode(): AppError {
  return new AppError('not_found', 'There is no such code')
}

/** Error for a code that lets nobody in. */
export function invalidCode(cause?: unknown): AppError {
  return new AppError('unauthenticated', 'The code is not valid', { cause })
}
