import {
  ConversationAdded,
  ConversationRemoved,
  Noop,
  PreferencesUpdated,
  type SyncItem
} from '../../protocol/events/conversation.ts'
import { MessageHidden } from '../../protocol/events/message.ts'
import { BlocksUpdated, ContactsUpdated, RequestUpdated, SettingsUpdated } from '../../protocol/events/people.ts'
import { UserUpdated } from '../../protocol/events/session.ts'
import { prefixedId } from '../../protocol/ids.ts'
import type { UserEvent } from '../../protocol/index.ts'
import { type AccountChangeDoc, ObjectId, type Store } from '../store/index.ts'
import type { Actor } from './actor.ts'
import type { RequestService } from './requests.ts'
import type { SettingsService } from './settings.ts'

interface ItemParts {
  store: Pick<Store, 'blocks'>
  settings: Pick<SettingsService, 'get'>
  requests: Pick<RequestService, 'ofUser'>
}

/** What changed between a person and others, and in their settings, as it is now. */
export class AccountItems {
  readonly #parts: ItemParts

  constructor(parts: ItemParts) {
    this.#parts = parts
  }

  /** The items of those changes that are of these kinds, by `rev`. */
  async present(actor: Actor, changes: readonly AccountChangeDoc[]): Promise<Map<number, SyncItem>> {
    const me = new ObjectId(actor.userId)
    const refs = (type: AccountChangeDoc['type']) => changes.filter(it => it.type === type).map(({ ref }) => ref)
    const { store, settings, requests } = this.#parts
    const others = refs('block')
    const [blocked, asked] = await Promise.all([
      others.length > 0 ? store.blocks.blockedAmong(me, others) : [],
      requests.ofUser(me, refs('request'))
    ])
    const chosen = refs('settings').length > 0 ? await settings.get(actor) : undefined
    const present = ({ type, rev, ref }: AccountChangeDoc): SyncItem | undefined => {
      const id = ref.toHexString()
      const request = asked.get(id)
      if (type === 'settings' && chosen !== undefined) return { type, rev, settings: chosen }
      if (type === 'contacts') return { type, rev }
      if (type === 'request' && request !== undefined) return { type, rev, request }
      if (type !== 'block') return undefined
      return { type, rev, userId: prefixedId('user', id), isBlocked: blocked.some(it => it.equals(ref)) }
    }
    const items = changes.map(change => [change.rev, present(change)] as const)
    return new Map(items.filter((it): it is [number, SyncItem] => it[1] !== undefined))
  }
}

/** The event that says what an item of an account says. */
export function accountEventOf(item: SyncItem): UserEvent {
  switch (item.type) {
    case 'membership':
      return ConversationAdded.create(item.conversation)
    case 'removed':
      return ConversationRemoved.create({ conversationId: item.conversationId })
    case 'hidden':
      return MessageHidden.create({ conversationId: item.conversationId, messageId: item.messageId })
    case 'preferences':
      return PreferencesUpdated.create({ conversationId: item.conversationId, me: item.me })
    case 'profile':
      return UserUpdated.create(item.user)
    case 'settings':
      return SettingsUpdated.create(item.settings)
    case 'contacts':
      return ContactsUpdated.create({})
    case 'request':
      return RequestUpdated.create(item.request)
    case 'block':
      return BlocksUpdated.create({ userId: item.userId, isBlocked: item.isBlocked })
    default:
      return Noop.create({})
  }
}
