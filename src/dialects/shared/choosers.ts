import type { Dialect, DialectRoute } from '../dialect.ts'
import type { Sharing } from './routes.ts'

type Choose = (sharing: readonly Sharing[]) => { route: DialectRoute; presentError: Dialect['presentError'] }

/** Routes where the request tells which of the documents is meant, by method and path. */
export const CHOOSERS: Readonly<Record<string, Choose>> = {}
