/** Loaded before a server (`--expose-gc --import`), so that `idle` can have it collect its garbage: on SIGWINCH. */
process.on('SIGWINCH', () => {
  globalThis.gc?.()
  globalThis.gc?.()
})
