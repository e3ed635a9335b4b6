import { AppError } from '../../errors.ts'

/** Takes what does not exist as nothing; any other error stays one. For `catch`. */
export function ignoreMissing(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'not_found') return undefined
  throw error
}
