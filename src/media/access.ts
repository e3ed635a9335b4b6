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
import type { FileUses } from './uses/store.ts'

interface FileAccessDeps {
  readonly store: { readonly members: MemberStore; readonly files: FileStore; readonly fileUses: FileUses }
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
    if (actor !== null) return await this.#requireStored(file, { ...link?.holder, userId: actor.userId })
    if (link === undefined || !links.isSigned(link)) throw noSuchFile()
    if (link.expiresAt * 1_000 < Date.now())
      throw new AppError('gone', 'The address is over; ask for the message again')
    if (link.holder.userId !== undefined) await users.requireEnabled(link.holder.userId)
    await this.#requireStored(file, link.holder)
  }

  /** The file was read a while ago: that a message has it says that it is still there, else it is asked. */
  async #requireStored(file: FileDoc, asker: Asker): Promise<void> {
    const { files } = this.#deps.store
    const isOwn = asker.userId !== undefined && file.ownerId.equals(asker.userId)
    if (isOwn && !(await files.isStored(file._id))) throw noSuchFile()
    await this.#require(file, asker)
  }

  async #require(file: FileDoc, { userId, conversationId, profileId }: Asker): Promise<void> {
    const { store, clock } = this.#deps
    if (userId !== undefined && file.ownerId.equals(userId) && (await this.#isOwners(file))) return
    if (profileId !== undefined) return await this.#requirePicture(file, profileId, userId)
    if (conversationId === undefined || !isId(conversationId)) throw noSuchFile()
    const id = new ObjectId(bareId(conversationId))
    const found = await store.fileUses.find(id, file._id, new Date(clock.now()))
    // Those that were answered together ask together.
    const member = userId === undefined ? undefined : await store.members.find(id, new ObjectId(userId))
    if (member === null) throw noSuchFile()
    const isSeen = found.some(
      message => member === undefined || (message.seq > hiddenUpTo(member) && !isHiddenFor(message, member.userId))
    )
    if (!isSeen && !(await store.fileUses.isGroupPicture(file._id, id))) throw noSuchFile()
  }

  /** @param userId person who asks; unless told whoever was shown it */
  async #requirePicture({ _id }: FileDoc, profileId: string, userId: string | undefined): Promise<void> {
    const { store, visibility } = this.#deps
    if (!isId(profileId) || !(await store.fileUses.isProfilePicture(_id, new ObjectId(profileId)))) throw noSuchFile()
    if (!(await visibility.showsPicture(profileId, userId))) throw noSuchFile()
  }

  /** Whether its owner reads a file as such: what the server has made of a conversation only while they are in it. */
  async #isOwners({ ownerId, conversationId }: FileDoc): Promise<boolean> {
    return conversationId === undefined || (await this.#deps.store.members.find(conversationId, ownerId)) !== null
  }
}

/** Whether it is one: what comes in an address may be anything. */
const isId = (text: string): boolean => /^[0-9a-f]{24}$/.test(text)
