export { offline, PresenceService } from './presence.ts'
export { presenceRoutes } from './rest.ts'
