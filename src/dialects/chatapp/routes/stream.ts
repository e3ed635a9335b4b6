import type { DialectDeps, DialectRoute } from '../../kit/dialect.ts'
import { dialectRoute } from '../../kit/dialect.ts'

/** Document 2, "SSE endpoint for real-time updates"; a browser’s `EventSource` gives its token in the address. */
export function streamRoutes({ openStream }: Pick<DialectDeps, 'openStream'>): DialectRoute[] {
  return [
    dialectRoute(
      'GET /api/sse',
      { summary: 'What happens, as server-sent events', isStream: true },
      async (_call, reply) => await openStream(reply, 'chatapp')
    )
  ]
}
