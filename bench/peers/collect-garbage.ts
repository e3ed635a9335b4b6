/** Loaded before a server (`--expose-gc --import`), so that `idle` can have it collect its garbage: on SIGUSR2. */
process.on('SIGUSR2', () => {
  globalThis.gc?.()
  globalThis.gc?.()
})
