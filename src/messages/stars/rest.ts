import { ListStars, StarMessage, UnstarMessage } from '../../../protocol/stars/routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import type { StarService } from './stars.ts'

/** Routes of stars. */
export function starRoutes(stars: StarService): BoundRoute[] {
  return [
    route(StarMessage, async ({ actor, params }) => await stars.add(actor, params)),
    route(UnstarMessage, async ({ actor, params }) => await stars.remove(actor, params)),
    route(ListStars, async ({ actor, query }) => await stars.list(actor, query))
  ]
}
