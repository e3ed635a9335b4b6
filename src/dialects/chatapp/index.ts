import type { Dialect, DialectDeps } from '../kit/dialect.ts'
import * as answers from './answers.ts'
import { createCommandTable } from './commands.ts'
import { eventSchemas } from './event-schemas.ts'
import { createTranslations } from './events.ts'
import { authRoutes } from './routes/auth.ts'
import { conversationRoutes } from './routes/conversations.ts'
import { messageRoutes } from './routes/messages.ts'
import { streamRoutes } from './routes/stream.ts'
import { userRoutes } from './routes/users.ts'

/** Document 2: the app that signs in by QR codes. */
export function createChatapp(deps: DialectDeps): Dialect {
  const { services } = deps
  return {
    name: 'chatapp',
    routes: [
      ...authRoutes(deps),
      ...conversationRoutes(services),
      ...messageRoutes(services),
      ...userRoutes(services),
      ...streamRoutes(deps)
    ],
    realtime: {
      name: 'chatapp',
      commands: createCommandTable(services),
      translations: createTranslations(services),
      presenceScope: 'peers'
    },
    answers,
    eventSchemas,
    presentError: ({ code, message }) => ({ success: false, message, code })
  }
}
