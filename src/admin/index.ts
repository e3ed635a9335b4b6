import { AdminService } from './admin.ts'

export type { AdminService } from './admin.ts'

/** What operators may do, by route or from the command line. */
export function createAdmin(deps: ConstructorParameters<typeof AdminService>[0]) {
  return { admin: new AdminService(deps) }
}
