import type { Dialect, DialectDeps } from '../kit/dialect.ts'
import * as answers from './answers.ts'
import { createCommandTable } from './commands.ts'
import { eventSchemas } from './event-schemas.ts'
import { translations } from './events.ts'
import { createRoutes } from './routes.ts'

/** Document 3: "Professional Chat". */
export function createReals2chat({ services }: DialectDeps): Dialect {
  return {
    name: 'reals2chat',
    routes: createRoutes(services),
    realtime: {
      name: 'reals2chat',
      commands: createCommandTable(services),
      translations,
      presenceScope: 'friends',
      meansQuery: query => query['token'] !== undefined
    },
    answers,
    eventSchemas,
    presentError: ({ code, message }) => ({ success: false, message, code })
  }
}
