import type { Dialect, DialectRoute } from '../kit/dialect.ts'

/** Share of a dialect in a route that several name. */
export interface Sharing {
  readonly dialect: Dialect
  readonly route: DialectRoute
}

/** Route that is served in the place of all of them. */
export interface Shared {
  readonly route: DialectRoute
  readonly presentError: Dialect['presentError']
}
