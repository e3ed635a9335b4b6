import { ConversationExpiry } from '../../../protocol/messages/expiring/events.ts'
import { type BoundCommand, on } from '../../contract/command.ts'
import type { ExpiryService } from './expiry.ts'

/** Commands of timers. */
export function expiryCommands(expiry: ExpiryService): BoundCommand[] {
  return [on(ConversationExpiry, async ({ actor }, data) => await expiry.set(actor, data))]
}
