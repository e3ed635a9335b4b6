import type { Test } from 'tap'

/** The test that stands for the file which runs now: what test files get as `tap`, see `hooks.ts`. */
export let current: Test

/** Puts another file's test in its place. */
export function enter(test: Test): void {
  current = test
}

// biome-ignore lint/style/noDefaultExport: it takes the place of a module that has one
export { current as default, current as t }
