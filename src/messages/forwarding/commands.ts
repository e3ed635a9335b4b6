import { MessageForward } from '../../../protocol/forwarding/events.ts'
import { type BoundCommand, on } from '../../contract/command.ts'
import type { ForwardingService } from './forwarding.ts'
import { presentForwarded } from './present.ts'

/** Commands of forwarding. */
export function forwardingCommands(forwarding: ForwardingService): BoundCommand[] {
  return [on(MessageForward, async ({ actor }, data) => presentForwarded(await forwarding.forward(actor, data)))]
}
