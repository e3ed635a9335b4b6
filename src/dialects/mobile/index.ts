import type { Dialect, DialectDeps } from '../kit/dialect.ts'
import * as answers from './answers.ts'
import { createCommandTable } from './commands.ts'
import { eventSchemas } from './event-schemas.ts'
import { createTranslations } from './events.ts'
import { conversationRoutes } from './routes/conversations.ts'
import { historyRoutes } from './routes/history.ts'
import { preferenceRoutes } from './routes/preferences.ts'
import { settingsRoutes } from './routes/settings.ts'
import { uploadRoutes } from './routes/uploads.ts'
import { userRoutes } from './routes/users.ts'

/** Document 0: "Integration Status". */
export function createMobile({ services }: DialectDeps): Dialect {
  const faces = [userRoutes, settingsRoutes, conversationRoutes, preferenceRoutes, historyRoutes, uploadRoutes]
  return {
    name: 'mobile',
    routes: faces.flatMap(routes => routes(services)),
    realtime: {
      name: 'mobile',
      commands: createCommandTable(services),
      translations: createTranslations(services),
      presenceScope: 'peers'
    },
    answers,
    eventSchemas,
    presentError: ({ code, message }) => ({ success: false, error: { code, message }, message })
  }
}
