import { AdminService } from './admin.ts'

export type { AdminService } from './admin.ts'

/** Powers of operators, by route or from the command line. */
export function createAdmin(deps: ConstructorParameters<typeof AdminService>[0]) {
  return { admin: new AdminService(deps) }
}
