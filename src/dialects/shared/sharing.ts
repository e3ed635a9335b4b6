import type { Dialect, DialectRoute } from '../dialect.ts'

/** One of the dialects that name the same route. */
export interface Sharing {
  readonly dialect: Dialect
  readonly route: DialectRoute
}
