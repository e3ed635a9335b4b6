import type { Dialect, DialectParts } from '../dialect.ts'
import { createRoutes } from './routes.ts'
import { createRealtime } from './socket.ts'

/** Document 3: "Professional Chat". */
export function createReals2chat({ services }: DialectParts): Dialect {
  return {
    name: 'reals2chat',
    routes: createRoutes(services),
    realtime: createRealtime(services),
    presentError: ({ code, message }) => ({ success: false, message, code })
  }
}
