import type { Test } from 'tap'
import { ServerProcess } from './rig.ts'

const HOUR_MS = 3_600_000
const SHIFTED = new URL('shifted-clock.js', import.meta.url).href

/** Runs a server whose clock is an hour ahead. */
export async function runAhead(t: Test, uri: string, env: Record<string, string>): Promise<ServerProcess> {
  return await ServerProcess.run(t, uri, {
    ...env,
    NODE_OPTIONS: `--import=${SHIFTED}`,
    CLOCK_AHEAD_MS: String(HOUR_MS)
  })
}
