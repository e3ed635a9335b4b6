import type { UserKey } from '../users/index.ts'

/** Name that somebody signs in by, of any kind, as a key to count by. */
export function signInName(key: UserKey): string {
  return JSON.stringify(key)
}
