/** Loaded before a server (`--expose-gc --import`) for `idle`: on SIGWINCH it collects garbage, and says what is left. */
import { writeFileSync } from 'node:fs'
import { memoryFile } from '../process.ts'

process.on('SIGWINCH', () => {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  writeFileSync(memoryFile(process.pid), String(heapUsed + external))
})
