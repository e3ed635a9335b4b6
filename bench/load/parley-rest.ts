import { DEFAULT_LIMITS } from '../../protocol/limits.ts'
import type { BenchUser } from '../users.ts'
import type { BenchConversation } from './wire.ts'

/** The few REST calls by which the load sets the scene in Parley. */
export class ParleyRest {
  readonly #url: string
  constructor(url: string) {
    this.#url = url
  }

  /** Has the server see people for the first time, so that they can be added to groups. */
  async introduce(users: readonly BenchUser[]): Promise<void> {
    await inParallel(users, 50, async user => {
      await this.call(user, 'GET', '/v1/auth/me')
    })
  }

  /** A direct conversation of two, else a group whose owner is the first; all must have been seen before. */
  async createConversation(members: readonly BenchUser[]): Promise<BenchConversation> {
    const [owner, other] = members
    if (owner === undefined || other === undefined) throw new Error('A conversation needs two people')
    const ids = members.slice(1).map(({ id }) => `user_${id}`)
    if (members.length === 2) {
      const { id } = await this.call(owner, 'POST', '/v1/conversations', { type: 'direct', userId: `user_${other.id}` })
      return { id: id as string, members }
    }
    const perCall = DEFAULT_LIMITS.membersPerCommand
    const memberIds = ids.slice(0, perCall)
    const { id } = await this.call(owner, 'POST', '/v1/conversations', { type: 'group', name: 'Bench', memberIds })
    for (let from = perCall; from < ids.length; from += perCall) {
      await this.call(owner, 'POST', `/v1/conversations/${id}/members`, { userIds: ids.slice(from, from + perCall) })
    }
    return { id: id as string, members }
  }

  /** The JSON answer. @throws on any status that is not a success, with what the server said */
  async call(user: BenchUser, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const headers: Record<string, string> = { authorization: `Bearer ${user.token}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    const response = await fetch(this.#url + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body)
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`)
    return JSON.parse(text) as Record<string, unknown>
  }
}

/** Runs `work` for each item, `width` at a time, and answers the results in the order of the items. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item, index: number) => Promise<Result>
): Promise<Result[]> {
  const results: Result[] = []
  const entries = items.entries()
  const runner = async () => {
    for (const [index, item] of entries) results[index] = await work(item, index)
  }
  await Promise.all(Array.from({ length: width }, runner))
  return results
}
