import { mock } from 'node:test'
import type { Test } from 'tap'

/** Lets the clock that limits are filled up by be set on; between that it goes, or stands still. @returns sets it on, ms */
export function setClock(t: Pick<Test, 'teardown'>, { isStopped }: { isStopped: boolean }): (ms: number) => void {
  const real = performance.now.bind(performance)
  // A whole millisecond, so that a clock that stands still counts without rounding.
  const startedAt = Math.floor(real())
  let passedMs = 0
  const replaced = mock.method(performance, 'now', () => (isStopped ? startedAt : real()) + passedMs)
  t.teardown(() => replaced.mock.restore())
  return ms => {
    passedMs += ms
  }
}
