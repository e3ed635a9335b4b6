import type { Dialect, DialectDeps } from '../kit/dialect.ts'
import { createRoutes } from './routes.ts'
import { createRealtime } from './socket.ts'

/** Document 4: "User-to-User Chat". */
export function createTaatom(parts: DialectDeps): Dialect {
  return {
    name: 'taatom',
    routes: createRoutes(parts),
    realtime: createRealtime(parts.services),
    presentError: ({ code, message }) => ({ success: false, message, code, data: null })
  }
}
