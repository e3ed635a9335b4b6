/** Makes a value at the first call, for that one and all others. A failure is not kept. */
export function kept<T>(make: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined
  return async () => {
    value ??= make().catch((error: unknown) => {
      value = undefined
      throw error
    })
    return await value
  }
}
