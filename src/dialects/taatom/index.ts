import type { Dialect, DialectParts } from '../dialect.ts'
import { createRoutes } from './routes.ts'
import { createRealtime } from './socket.ts'

/** Document 4: "User-to-User Chat". */
export function createTaatom(parts: DialectParts): Dialect {
  return {
    name: 'taatom',
    routes: createRoutes(parts),
    realtime: createRealtime(parts.services),
    presentError: ({ code, message }) => ({ success: false, message, code, data: null })
  }
}
