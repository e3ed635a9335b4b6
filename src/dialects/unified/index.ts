import type { Dialect, DialectDeps } from '../kit/dialect.ts'
import * as answers from './answers.ts'
import { createCommandTable } from './commands.ts'
import { eventSchemas } from './event-schemas.ts'
import { createTranslations } from './events.ts'
import { presentRefusal } from './present/answers.ts'
import { authRoutes } from './routes/auth.ts'
import { contactRoutes } from './routes/contacts.ts'
import { conversationRoutes } from './routes/conversations.ts'
import { groupRoutes } from './routes/groups.ts'
import { messageRoutes } from './routes/messages.ts'
import { requestRoutes } from './routes/requests.ts'
import { searchRoutes } from './routes/search.ts'
import { uploadRoutes } from './routes/uploads.ts'
import { userRoutes } from './routes/users.ts'

/** Document 1: one backend for the Electron and the Flutter app. */
export function createUnified(deps: DialectDeps): Dialect {
  const { services } = deps
  return {
    name: 'unified',
    routes: [
      ...authRoutes(deps),
      ...userRoutes(services),
      ...contactRoutes(services),
      ...requestRoutes(services),
      ...conversationRoutes(services),
      ...groupRoutes(services),
      ...messageRoutes(services),
      ...uploadRoutes(services),
      ...searchRoutes(services)
    ],
    realtime: {
      name: 'unified',
      commands: createCommandTable(services),
      translations: createTranslations(services),
      presenceScope: 'peers',
      meansQuery: query => query['token'] === undefined
    },
    answers,
    eventSchemas,
    presentError: presentRefusal
  }
}
