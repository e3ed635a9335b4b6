import { ListPins, PinMessage, UnpinMessage } from '../../../protocol/pins/routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import { presentChanged } from '../../present/changed.ts'
import type { PinService } from './pins.ts'

/** Routes of pins. */
export function pinRoutes(pins: PinService): BoundRoute[] {
  return [
    route(PinMessage, async ({ actor, params }) => presentChanged(await pins.add(actor, params))),
    route(UnpinMessage, async ({ actor, params }) => presentChanged(await pins.remove(actor, params))),
    route(ListPins, async ({ actor, params, query }) => await pins.list(actor, { ...params, ...query }))
  ]
}
