import { ForwardMessages } from '../../../protocol/forwarding/routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import type { ForwardingService } from './forwarding.ts'
import { presentForwarded } from './present.ts'

/** Routes of forwarding. */
export function forwardingRoutes(forwarding: ForwardingService): BoundRoute[] {
  return [route(ForwardMessages, async ({ actor, body }) => presentForwarded(await forwarding.forward(actor, body)))]
}
