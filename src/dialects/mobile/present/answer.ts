/** The body of what was granted. */
export function answer(data: unknown, message?: string) {
  return { success: true, data, ...(message === undefined ? {} : { message }) }
}
