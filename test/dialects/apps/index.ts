import type { App } from './app.ts'
import { canonicalRest, canonicalSocket } from './canonical.ts'
import { mobile } from './mobile.ts'
import { taatom } from './taatom.ts'
import { unified } from './unified.ts'

/** Every kind of app. */
export const APPS: readonly App[] = [canonicalRest, canonicalSocket, mobile, unified, taatom]
