import { omitUndefined } from '../../../omit-undefined.ts'

/** The body of what was granted. */
export function answer(data: unknown, message?: string) {
  return { success: true as const, data, ...omitUndefined({ message }) }
}
