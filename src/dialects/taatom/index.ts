import type { Dialect, DialectDeps } from '../kit/dialect.ts'
import * as answers from './answers.ts'
import { createCommandTable } from './commands.ts'
import { eventSchemas } from './event-schemas.ts'
import { createTranslations } from './events.ts'
import { createRoutes } from './routes.ts'

/** Document 4: "User-to-User Chat". */
export function createTaatom({ services, ...deps }: DialectDeps): Dialect {
  return {
    name: 'taatom',
    routes: createRoutes({ services, ...deps }),
    realtime: {
      name: 'taatom',
      commands: createCommandTable(services),
      translations: createTranslations(services),
      presenceScope: 'peers',
      namespaces: ['app']
    },
    answers,
    eventSchemas,
    presentError: ({ code, message }) => ({ success: false, message, code, data: null })
  }
}
