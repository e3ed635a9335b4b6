import type { Message } from '../../protocol/messages/entities.ts'
import type { Changed } from '../../protocol/messages/events.ts'

/** Acknowledges a change of a message: where it is now. */
export function presentChanged({ id, rev }: Pick<Message, 'id' | 'rev'>): Changed {
  return { id, rev }
}
