import type { Dialect, DialectRoute } from '../kit/dialect.ts'

/** One of the dialects that name the same route. */
export interface Sharing {
  readonly dialect: Dialect
  readonly route: DialectRoute
}

/** What is served in the place of all of them. */
export interface Shared {
  readonly route: DialectRoute
  readonly presentError: Dialect['presentError']
}
