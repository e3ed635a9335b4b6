import type { Dialect, DialectDeps } from '../kit/dialect.ts'
import { createRoutes } from './routes.ts'
import { createRealtime } from './socket.ts'

/** Document 3: "Professional Chat". */
export function createReals2chat({ services }: DialectDeps): Dialect {
  return {
    name: 'reals2chat',
    routes: createRoutes(services),
    realtime: createRealtime(services),
    presentError: ({ code, message }) => ({ success: false, message, code })
  }
}
