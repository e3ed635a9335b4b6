import type { AppError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'

/** The body of everything that was done. */
export function answer(data: unknown, message = 'OK') {
  return { success: true, data, error: null, message }
}

/** Position of a page: by number, or before or after an item; `next` asks for the following page. */
interface Pagination {
  readonly limit: number
  readonly page?: number
  readonly hasMore: boolean
  readonly next?: string | null
  /** Of a search: whether it looked at all that it had to. */
  readonly complete?: boolean
}

/** The body of a page of a list. */
export function answerPage(data: readonly unknown[], pagination: Pagination) {
  return { ...answer(data), pagination }
}

/** The body of a refusal. */
export function presentRefusal({ code, message, retryAfterMs }: AppError): Record<string, unknown> {
  const error = { code, message, ...omitUndefined({ retryAfterMs }) }
  return { success: false, data: null, error, message }
}
