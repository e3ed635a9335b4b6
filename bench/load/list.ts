import type { BenchUser } from '../users.ts'
import { type Timing, timed } from './history.ts'
import { ParleyRest } from './parley-rest.ts'
import type { Target } from './wire.ts'

/** Load of reading one person's list again and again. */
export interface List {
  readonly target: Target
  readonly user: BenchUser
  readonly limit: number
  readonly seconds: number
}

/** The first page of somebody's conversations over REST, one call at a time. */
export async function readList({ target, user, limit, seconds }: List): Promise<Timing> {
  const rest = new ParleyRest(target.url)
  return await timed(seconds * 1_000, () => rest.call(user, 'GET', `/v1/conversations?limit=${limit}`))
}
