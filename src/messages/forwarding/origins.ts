import type { Actor } from '../../actor.ts'
import { ObjectId } from '../../database/object-id.ts'
import type { MessageDoc } from '../../store/documents.ts'
import { type BlockService, type ContactStore, DEFAULT_SETTINGS, type SettingsStore } from '../../users/index.ts'

type Origin = NonNullable<MessageDoc['forwarded']>

interface OriginDeps {
  readonly store: { readonly contacts: ContactStore; readonly settings: SettingsStore }
  readonly blocks: Pick<BlockService, 'blockedPeers'>
}

/** Origins of forwarded messages, as far as their authors let them be told. */
export class Origins {
  readonly #store: OriginDeps['store']
  readonly #blocks: OriginDeps['blocks']

  constructor({ store, blocks }: OriginDeps) {
    this.#store = store
    this.#blocks = blocks
  }

  /** The origin that each message has when this person forwards it, by its id (hex); nothing of one not to be told. */
  async find(actor: Actor, messages: readonly MessageDoc[]): Promise<Map<string, Origin>> {
    const origins = new Map(messages.map(message => [message._id.toHexString(), originOf(message)]))
    const authorIds = [...origins.values()].flatMap(({ senderId }) => senderId?.toHexString() ?? [])
    const told = await this.#whoMayBeNamed(actor, [...new Set(authorIds)])
    return new Map(
      [...origins].map(([id, origin]) => [id, told.has(origin.senderId?.toHexString() ?? '') ? origin : {}])
    )
  }

  /** Authors whom this person may name: themself, and whoever allows it and is not apart from them. */
  async #whoMayBeNamed(actor: Actor, authorIds: readonly string[]): Promise<Set<string>> {
    const others = authorIds.filter(id => id !== actor.userId)
    const own = authorIds.filter(id => id === actor.userId)
    if (others.length === 0) return new Set(own)
    const ids = others.map(id => new ObjectId(id))
    const [rows, contacts, blocked] = await Promise.all([
      this.#store.settings.findMany(ids),
      this.#store.contacts.ownersAmong(new ObjectId(actor.userId), ids),
      this.#blocks.blockedPeers(actor.userId)
    ])
    const audiences = new Map(rows.map(({ userId, privacy }) => [userId.toHexString(), privacy?.nameInForwards]))
    const owners = new Set(contacts.map(id => id.toHexString()))
    const allowing = others.filter(id => {
      const audience = audiences.get(id) ?? DEFAULT_SETTINGS.privacy.nameInForwards
      return !blocked.has(id) && (audience === 'everyone' || (audience === 'contacts' && owners.has(id)))
    })
    return new Set([...own, ...allowing])
  }
}

/** Where a message came from first: what was forwarded before keeps its origin. */
function originOf({ _id, senderId, createdAt, forwarded }: MessageDoc): Origin {
  return forwarded ?? { senderId, sentAt: createdAt, messageId: _id }
}
