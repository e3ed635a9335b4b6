import { RequestUpdated } from '../../protocol/requests/events.ts'
import { ObjectId } from '../database/index.ts'
import { presentEach, type UserItemTable } from '../streams/user-items.ts'
import type { RequestService } from './requests.ts'

/** Items of a person's own stream about requests. */
export function createRequestItems(requests: Pick<RequestService, 'findByUser'>): Pick<UserItemTable, 'request'> {
  return {
    request: async ({ userId }, changes) => {
      const found = await requests.findByUser(
        new ObjectId(userId),
        changes.map(({ ref }) => ref)
      )
      return presentEach(changes, ({ rev, ref }) => {
        const request = found.get(ref.toHexString())
        return request && { item: { type: 'request', rev, request }, event: RequestUpdated.create(request) }
      })
    }
  }
}
