import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { pairKeyOf } from '../../ids.ts'
import { type ContactStore, DEFAULT_SETTINGS, type FriendshipStore, type SettingsStore } from '../../users/index.ts'

/** Rules for opening a new direct conversation. */
export class DirectChatPolicy {
  readonly #store: {
    readonly contacts: ContactStore
    readonly friendships: FriendshipStore
    readonly settings: SettingsStore
  }

  constructor(store: {
    readonly contacts: ContactStore
    readonly friendships: FriendshipStore
    readonly settings: SettingsStore
  }) {
    this.#store = store
  }

  /** @throws {AppError} `forbidden` when the other's settings do not let this person in. Ids are hexadecimal */
  async requireMayStart(starterId: string, otherId: string): Promise<void> {
    const row = await this.#store.settings.find(new ObjectId(otherId))
    const whom = row?.privacy?.whoMayStart ?? DEFAULT_SETTINGS.privacy.whoMayStart
    if (whom === 'everyone') return
    if (whom === 'contacts' && (await this.#isContact(otherId, starterId))) return
    if (whom === 'friends' && (await this.#store.friendships.exists(pairKeyOf(starterId, otherId)))) return
    throw new AppError('forbidden', 'They do not let you start a conversation; send a request')
  }

  async #isContact(ownerId: string, contactId: string): Promise<boolean> {
    const { contacts } = this.#store
    return (await contacts.ownersAmong(new ObjectId(contactId), [new ObjectId(ownerId)])).length > 0
  }
}
