import type { SyncItem } from '../../protocol/events/conversation.ts'
import { prefixedId } from '../../protocol/ids.ts'
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
export function accountEventOf(item: SyncItem): { type: string; data: unknown } {
  switch (item.type) {
    case 'membership':
      return { type: 'conversation:added', data: item.conversation }
    case 'removed':
      return { type: 'conversation:removed', data: { conversationId: item.conversationId } }
    case 'hidden':
      return { type: 'message:hidden', data: { conversationId: item.conversationId, messageId: item.messageId } }
    case 'preferences':
      return { type: 'preferences:updated', data: { conversationId: item.conversationId, me: item.me } }
    case 'profile':
      return { type: 'user:updated', data: item.user }
    case 'settings':
      return { type: 'settings:updated', data: item.settings }
    case 'contacts':
      return { type: 'contacts:updated', data: {} }
    case 'request':
      return { type: 'request:updated', data: item.request }
    case 'block':
      return { type: 'blocks:updated', data: { userId: item.userId, isBlocked: item.isBlocked } }
    default:
      return { type: 'noop', data: {} }
  }
}
