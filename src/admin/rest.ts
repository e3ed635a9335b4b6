import { DisableUser, EnableUser } from '../../protocol/admin/routes.ts'
import { type BoundRoute, route } from '../contract/route.ts'
import type { AdminService } from './admin.ts'

/** Routes of operators. */
export function adminRoutes(admin: AdminService): BoundRoute[] {
  return [
    route(DisableUser, async ({ actor, params }) => await admin.disableAs(actor, params.userId)),
    route(EnableUser, async ({ actor, params }) => await admin.enableAs(actor, params.userId))
  ]
}
