import { setImmediate as nextTurn } from 'node:timers/promises'
import { bareId } from '../../../protocol/ids.ts'
import { CONTACTS_PER_SYNC, PAGE_SIZE } from '../../../protocol/limits.ts'
import type { ContactSource, User } from '../../../protocol/users/entities.ts'
import { ContactsUpdated } from '../../../protocol/users/events.ts'
import type { AddressBookEntry, ContactMatches, ContactPage } from '../../../protocol/users/routes.ts'
import type { Actor } from '../../actor.ts'
import type { Bus } from '../../bus/bus.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { identifierKeys, parsePhone } from '../../identifiers.ts'
import { userId } from '../../ids.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { cutPage } from '../../page.ts'
import type { AccountStore } from '../../streams/store.ts'
import { requirePlainText } from '../../text.ts'
import type { BlockService } from '../blocks/blocks.ts'
import type { LookUps } from '../look-ups.ts'
import type { UserDoc } from '../store.ts'
import type { UserService } from '../users.ts'
import type { ContactStore, NewContact } from './store.ts'

interface ContactDeps {
  store: { readonly accounts: AccountStore; readonly contacts: ContactStore }
  bus: Bus
  lookUps: LookUps
  users: Pick<UserService, 'findMany' | 'requireUsers'>
  blocks: Pick<BlockService, 'blockedPeers' | 'requireUnblocked'>
}

const MAX_CONTACTS = 20_000
/** Numbers that are read before others get their turn. */
const READ_TOGETHER = 200

/** A number of an address book. */
interface Entry {
  readonly given: string
  readonly name: string | undefined
}

/** Whom people know: from their address book, by choice, or by a request that was accepted. */
export class ContactService {
  readonly #store: ContactDeps['store']
  readonly #bus: Bus
  readonly #users: ContactDeps['users']
  readonly #blocks: ContactDeps['blocks']
  readonly #lookUps: LookUps

  constructor({ store, bus, lookUps, users, blocks }: ContactDeps) {
    this.#store = store
    this.#bus = bus
    this.#users = users
    this.#blocks = blocks
    this.#lookUps = lookUps
  }

  /**
   * Makes contacts of those in an address book who are here. Numbers in any spelling, without a country as at
   * the actor's home; those that match nobody are not kept, and neither are those of who is disabled or blocked either way.
   * @throws {AppError} `too_large` for too many at once, `rate_limited` beyond the numbers of a day
   */
  async sync(actor: Actor, entries: readonly AddressBookEntry[]): Promise<ContactMatches> {
    if (entries.length > CONTACTS_PER_SYNC) {
      throw new AppError('too_large', `At most ${CONTACTS_PER_SYNC} numbers at once`)
    }
    await this.#lookUps.count(actor, entries.length)
    const { book, unreadable } = await this.#read(entries, await this.#lookUps.regionOf(actor))
    const people = await this.#lookUps.findByPhones(actor, [...book.keys()])
    const blockedIds = await this.#blocks.blockedPeers(actor.userId)
    const found = people.filter(({ _id }) => _id.toHexString() !== actor.userId && !blockedIds.has(_id.toHexString()))
    await this.#keep(actor, found, book)
    const profiles = await this.#users.findMany(
      actor,
      found.map(({ _id }) => _id.toHexString())
    )
    const byId = new Map(profiles.map(user => [user.id, user]))
    const matches = found.flatMap(({ _id, phone = '' }) => {
      const user = byId.get(userId(_id))
      const entry = book.get(phone)
      if (user === undefined || entry === undefined) return []
      return [{ phone: entry.given, ...omitUndefined({ name: entry.name }), user }]
    })
    return { matches, unreadable }
  }

  /**
   * Look up the owner of a phone number, in any spelling; it counts as one of the numbers of a day.
   * @throws {AppError} `invalid` when it cannot be a number, `not_found`, `rate_limited`
   */
  async lookUp(actor: Actor, phone: string): Promise<User> {
    const { phone: number } = await identifierKeys({ phone }, await this.#lookUps.regionOf(actor))
    await this.#lookUps.count(actor)
    const [found] = number === undefined ? [] : await this.#lookUps.findByPhones(actor, [number])
    if (found === undefined) throw new AppError('not_found', 'Nobody here has this number')
    const [user] = await this.#users.findMany(actor, [found._id.toHexString()])
    if (user === undefined) throw new AppError('not_found', 'Nobody here has this number')
    return user
  }

  /** Contacts in the order of their ids, all or those of one source. */
  async list(
    actor: Actor,
    { limit = PAGE_SIZE, after, source }: { limit?: number; after?: string; source?: ContactSource } = {}
  ): Promise<ContactPage> {
    const rows = await this.#store.contacts.page(new ObjectId(actor.userId), {
      limit: limit + 1,
      ...omitUndefined({ after: after === undefined ? undefined : new ObjectId(bareId(after)), source })
    })
    const { page, last } = cutPage(rows, limit)
    const profiles = await this.#users.findMany(
      actor,
      page.map(({ contactId }) => contactId.toHexString())
    )
    const byId = new Map(profiles.map(user => [user.id, user]))
    const contacts = page.flatMap(({ contactId, name, source, createdAt }) => {
      const user = byId.get(userId(contactId))
      if (user === undefined) return []
      return [{ user, ...omitUndefined({ name }), source, addedAt: createdAt.toISOString() }]
    })
    return {
      contacts,
      ...omitUndefined({ next: last && userId(last.contactId) })
    }
  }

  /** Makes somebody a contact. @throws {AppError} `invalid` for oneself, `not_found`, `blocked`, `quota_reached` */
  async add(actor: Actor, otherId: string, name?: string): Promise<void> {
    const contactId = bareId(otherId)
    if (contactId === actor.userId) throw new AppError('invalid', 'Nobody is their own contact')
    await this.#users.requireUsers([contactId])
    await this.#blocks.requireUnblocked(actor, [contactId])
    const ownerId = new ObjectId(actor.userId)
    const [known] = await this.#store.contacts.contactsAmong(ownerId, [new ObjectId(contactId)])
    if (known !== undefined && (name === undefined || known.name === name)) return
    if (known === undefined) await this.#requireRoom(ownerId, 1)
    const text = omitUndefined({ name: name === undefined ? undefined : requirePlainText('name', name) })
    const contact = { ownerId, contactId: new ObjectId(contactId), ...text, source: known?.source ?? 'added' }
    await this.#change(actor, async session => await this.#store.contacts.put([contact], session))
  }

  /** Takes somebody from the contacts; a repeat changes nothing. */
  async remove(actor: Actor, otherId: string): Promise<void> {
    const ownerId = new ObjectId(actor.userId)
    const contactId = new ObjectId(bareId(otherId))
    if ((await this.#store.contacts.contactsAmong(ownerId, [contactId])).length === 0) return
    await this.#change(actor, async session => await this.#store.contacts.remove(ownerId, contactId, session))
  }

  /**
   * The numbers (E.164) with how they were given, and how many cannot be read. Reading thousands of them takes turns
   * with everything else.
   */
  async #read(
    entries: readonly AddressBookEntry[],
    region: string | undefined
  ): Promise<{ readonly book: Map<string, Entry>; readonly unreadable: number }> {
    const book = new Map<string, Entry>()
    let unreadable = 0
    for (const [index, entry] of entries.entries()) {
      if (index > 0 && index % READ_TOGETHER === 0) await nextTurn()
      const { phone: given, name } = typeof entry === 'string' ? { phone: entry, name: undefined } : entry
      const phone = await parsePhone(given, region)
      if (phone === undefined) unreadable += 1
      else if (!book.has(phone)) book.set(phone, { given, name: plainName(name) })
    }
    return { book, unreadable }
  }

  async #keep(actor: Actor, found: readonly UserDoc[], book: ReadonlyMap<string, Entry>): Promise<void> {
    const ownerId = new ObjectId(actor.userId)
    const known = await this.#store.contacts.contactsAmong(
      ownerId,
      found.map(({ _id }) => _id)
    )
    const names = new Map(known.map(({ contactId, name }) => [contactId.toHexString(), name]))
    const fresh: NewContact[] = []
    for (const { _id, phone = '' } of found) {
      const name = book.get(phone)?.name
      const isSame = names.has(_id.toHexString()) && (name === undefined || names.get(_id.toHexString()) === name)
      if (!isSame) fresh.push({ ownerId, contactId: _id, source: 'sync', ...omitUndefined({ name }) })
    }
    if (fresh.length === 0) return
    await this.#requireRoom(ownerId, fresh.length)
    await this.#change(actor, async session => await this.#store.contacts.put(fresh, session))
  }

  async #requireRoom(ownerId: ObjectId, more: number): Promise<void> {
    if ((await this.#store.contacts.count(ownerId)) + more > MAX_CONTACTS) {
      throw new AppError('quota_reached', `At most ${MAX_CONTACTS} contacts`)
    }
  }

  async #change(actor: Actor, write: Parameters<AccountStore['change']>[3]): Promise<void> {
    const me = new ObjectId(actor.userId)
    const rev = await this.#store.accounts.change(me, 'contacts', me, write)
    this.#bus.publish('user', { userId: actor.userId, rev, event: ContactsUpdated.create({}) })
  }
}

/** A name as an address book has it, or none where it is not readable. */
function plainName(name: string | undefined): string | undefined {
  const text = name?.trim() ?? ''
  return text === '' || /\p{Surrogate}/u.test(text) ? undefined : text
}
