import { MessageHidden } from '../../protocol/messages/events.ts'
import { conversationId, messageId } from '../ids.ts'
import type { MessageStore } from '../store/messages.ts'
import { presentEach, type UserItemTable } from '../streams/user-items.ts'

/** Items of a person's own stream about messages that they deleted for themselves. */
export function createMessageItems(messages: Pick<MessageStore, 'findPlaces'>): Pick<UserItemTable, 'hidden'> {
  return {
    hidden: async (_actor, changes) => {
      const found = await messages.findPlaces(changes.map(({ ref }) => ref))
      const byId = new Map(found.map(message => [message._id.toHexString(), message]))
      return presentEach(changes, ({ rev, ref }) => {
        const message = byId.get(ref.toHexString())
        if (message === undefined) return undefined
        const place = { conversationId: conversationId(message.conversationId), messageId: messageId(ref) }
        return { item: { type: 'hidden', rev, ...place }, event: MessageHidden.create(place) }
      })
    }
  }
}
