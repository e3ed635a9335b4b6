import type { App } from './app.ts'
import { canonicalRest, canonicalSocket } from './canonical.ts'
import { chatapp } from './chatapp.ts'
import { mobile } from './mobile.ts'
import { reals2chat } from './reals2chat.ts'
import { taatom } from './taatom.ts'
import { unified } from './unified.ts'

/** Apps of every kind. */
export const APPS: readonly App[] = [canonicalRest, canonicalSocket, mobile, unified, chatapp, reals2chat, taatom]
