import type { Message } from '../../protocol/entities/message.ts'
import type { Changed } from '../../protocol/events/message.ts'

/** Acknowledges a change of a message: where it is now. */
export function presentChanged({ id, rev }: Pick<Message, 'id' | 'rev'>): Changed {
  return { id, rev }
}
