import type { Forwarded } from '../../../protocol/forwarding/events.ts'
import { presentError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { ForwardTarget } from './forwarding.ts'

/** Outcome of forwarding, as it is acknowledged. */
export function presentForwarded(targets: readonly ForwardTarget[]): Forwarded {
  const to = targets.map(({ conversationId, messages, error }) => ({
    conversationId,
    sent: messages.map(({ clientId, sent }) => ({ clientId, ...sent })),
    ...omitUndefined({ error: error && presentError(error) })
  }))
  return { to }
}
