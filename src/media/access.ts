import { bareId } from '../../protocol/ids.ts'
import type { Actor } from '../actor.ts'
import type { DatabaseClock } from '../database/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { type FileLinks, linkOf, type SignedLink } from '../present/file-links.ts'
import { hiddenUpTo, isHiddenFor } from '../present/present.ts'
import type { MemberStore } from '../store/members.ts'
import { noSuchFile } from '../store/missing.ts'
import type { UserService, Visibility } from '../users/index.ts'
import type { FileDoc, FileStore } from './store.ts'

interface FileAccessDeps {
  readonly store: { readonly members: MemberStore; readonly files: FileStore }
  readonly clock: DatabaseClock
  readonly users: Pick<UserService, 'requireEnabled'>
  readonly visibility: Pick<Visibility, 'showsPicture'>
  readonly links: FileLinks
}

/** Somebody who asks for a file: a person, in a conversation, as its owner, or for a profile; or any of who see these. */
interface Asker {
  readonly userId?: string
  readonly conversationId?: string
  /** Person whose picture it is. */
  readonly profileId?: string
}

/** Decides who may read a file; asked each time, so that nobody keeps what they have lost. */
export class FileAccess {
  readonly #deps: FileAccessDeps

  constructor(deps: FileAccessDeps) {
    this.#deps = deps
  }

  /** Requires that a person may read a file that they name by an address. @throws {AppError} `not_found` */
  async require(actor: Actor, file: FileDoc, address: string): Promise<void> {
    const query = Object.fromEntries(new URL(address).searchParams)
    const conversationId = linkOf(file._id.toHexString(), query)?.holder.conversationId
    await this.#require(file, { userId: actor.userId, ...omitUndefined({ conversationId }) })
  }

  /**
   * Requires that who asks by a token, or by an address that the server gave out, may read a file.
   * @throws {AppError} `not_found`, `gone` for an address whose time is over, `account_disabled`
   */
  async requireLink(file: FileDoc, actor: Actor | null, link: SignedLink | undefined): Promise<void> {
    const { users, links } = this.#deps
    if (actor !== null) return await this.#require(file, { ...link?.holder, userId: actor.userId })
    if (link === undefined || !links.isSigned(link)) throw noSuchFile()
    if (link.expiresAt * 1_000 < Date.now())
      throw new AppError('gone', 'The address is over; ask for the message again')
    if (link.holder.userId !== undefined) await users.requireEnabled(link.holder.userId)
    await this.#require(file, link.holder)
  }

  async #require(file: FileDoc, { userId, conversationId, profileId }: Asker): Promise<void> {
    if (userId !== undefined && file.ownerId.equals(userId)) return
    if (profileId !== undefined) return await this.#requirePicture(file, profileId, userId)
    if (conversationId === undefined || !isId(conversationId)) throw noSuchFile()
    const { store, clock } = this.#deps
    const id = new ObjectId(bareId(conversationId))
    const member = userId === undefined ? undefined : await store.members.find(id, new ObjectId(userId))
    if (member === null) throw noSuchFile()
    const found = await store.files.findUses(id, file._id, new Date(clock.now()))
    const isSeen = found.some(
      message => member === undefined || (message.seq > hiddenUpTo(member) && !isHiddenFor(message, member.userId))
    )
    if (!isSeen && !(await store.files.isGroupPicture(file._id, id))) throw noSuchFile()
  }

  /** @param userId person who asks; unless told whoever was shown it */
  async #requirePicture({ _id }: FileDoc, profileId: string, userId: string | undefined): Promise<void> {
    const { store, visibility } = this.#deps
    if (!isId(profileId) || !(await store.files.isProfilePicture(_id, new ObjectId(profileId)))) throw noSuchFile()
    if (!(await visibility.showsPicture(profileId, userId))) throw noSuchFile()
  }
}

/** Whether it is one: what comes in an address may be anything. */
const isId = (text: string): boolean => /^[0-9a-f]{24}$/.test(text)
