import { StarsUpdated } from '../../../protocol/stars/events.ts'
import { ObjectId } from '../../database/object-id.ts'
import { conversationId, messageId } from '../../ids.ts'
import type { MessageStore } from '../../store/messages.ts'
import { presentEach, type UserItemTable } from '../../streams/user-items.ts'
import type { StarStore } from './store.ts'

interface StarItemDeps {
  readonly messages: Pick<MessageStore, 'findPlaces'>
  readonly stars: Pick<StarStore, 'starredAmong'>
}

/** Items of a person's own stream about messages that they have starred, or no longer do. */
export function createStarItems({ messages, stars }: StarItemDeps): Pick<UserItemTable, 'star'> {
  return {
    star: async ({ userId }, changes) => {
      const refs = changes.map(({ ref }) => ref)
      const found = await messages.findPlaces(refs)
      const byId = new Map(found.map(place => [place._id.toHexString(), place]))
      const starred = await stars.starredAmong(new ObjectId(userId), refs)
      return presentEach(changes, ({ rev, ref }) => {
        const place = byId.get(ref.toHexString())
        if (place === undefined) return undefined
        const star = {
          conversationId: conversationId(place.conversationId),
          messageId: messageId(ref),
          isStarred: starred.some(it => it.equals(ref))
        }
        return { item: { type: 'star', rev, ...star }, event: StarsUpdated.create(star) }
      })
    }
  }
}
