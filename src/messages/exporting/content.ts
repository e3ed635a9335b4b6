import { MAX_PAGE_SIZE, SYNC_PAGE_BYTES } from '../../../protocol/limits.ts'
import type { Actor } from '../../actor.ts'
import { type ConversationService, viewOf } from '../../conversations/index.ts'
import type { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import type { FairGate } from '../../limits/fair-gate.ts'
import type { MadeFiles } from '../../media/index.ts'
import { presentMessage } from '../../present/present.ts'
import type { AttachmentDoc, ConversationDoc, MessageDoc } from '../../store/documents.ts'
import type { MemberStore } from '../../store/members.ts'
import type { MessageStore } from '../../store/messages.ts'
import type { View } from '../../store/view.ts'
import type { UserService } from '../../users/index.ts'
import type { Archive } from './archive.ts'
import { conversationLine, entryNameOf, memberLine, messageLine } from './lines.ts'
import type { ExportStore } from './store.ts'

/** Files of one archive. */
const MAX_FILES = 50_000
const PAGE = { limit: MAX_PAGE_SIZE, maxBytes: SYNC_PAGE_BYTES }

interface ContentDeps {
  readonly store: { readonly members: MemberStore; readonly messages: MessageStore; readonly exports: ExportStore }
  readonly users: Pick<UserService, 'requireEnabled' | 'findMany'>
  readonly conversations: Pick<ConversationService, 'members'>
  readonly madeFiles: Pick<MadeFiles, 'open'>
  readonly pageGate: FairGate
}

/** Run of an export, in the name of its person. */
export interface Run {
  readonly _id: ObjectId
  readonly fileId: ObjectId
  readonly actor: Actor
  readonly conversationId: ObjectId
  readonly signal: AbortSignal
}

/** An export that was taken back, or that another run makes. */
export class Unwanted extends Error {}

/** Names in an archive of the files that are in it, by their ids (hex). */
type Names = Map<string, string>

/** Content of an archive: what a member sees of a conversation, as history and the list of members show it. */
export class ExportContent {
  readonly #deps: ContentDeps

  constructor(deps: ContentDeps) {
    this.#deps = deps
  }

  /**
   * Fills an archive, a page after the other. Whoever may not see the conversation any more ends it.
   * @throws {AppError} `not_found`, `account_disabled`, `too_large`
   * @throws {Unwanted} when nobody waits for it
   */
  async fill(archive: Archive, run: Run, doc: ConversationDoc): Promise<void> {
    await archive.addLines([conversationLine(doc)])
    await this.#addMembers(archive, run)
    await this.#addMessages(archive, run, doc.seq)
  }

  /** View of who exports, now. @throws {AppError} `not_found`, `account_disabled` */
  async requireStill({ actor, conversationId }: Run): Promise<View> {
    await this.#deps.users.requireEnabled(actor.userId)
    return await viewOf(this.#deps.store.members, actor, conversationId.toHexString())
  }

  async #addMembers(archive: Archive, { actor, conversationId, signal }: Run): Promise<void> {
    const { conversations, users } = this.#deps
    let after: { after?: string } | undefined = {}
    while (after !== undefined) {
      signal.throwIfAborted()
      const place: { after?: string } = after
      const page = await conversations.members(actor, conversationId.toHexString(), { limit: MAX_PAGE_SIZE, ...place })
      const people = await users.findMany(
        actor,
        page.members.map(({ userId }) => userId)
      )
      const byId = new Map(people.map(user => [user.id, user]))
      await archive.addLines(page.members.map(member => memberLine(member, byId.get(member.userId))))
      after = page.next === undefined ? undefined : { after: page.next }
    }
  }

  /** Adds the messages up to the one that was the newest at the beginning: what is sent meanwhile does not prolong it. */
  async #addMessages(archive: Archive, run: Run, upTo: number): Promise<void> {
    const names: Names = new Map()
    const first = await this.requireStill(run)
    const messageCount = Math.max(0, upTo - first.afterSeq)
    let writtenCount = 0
    for (let after = first.afterSeq; after < upTo; ) {
      await this.#advance(run, { writtenCount, messageCount })
      const view = await this.requireStill(run)
      const { messages, more } = await this.#pageAfter(run, view, after)
      const wanted = messages.filter(({ seq }) => seq <= upTo)
      await this.#addPage(archive, view, wanted, names)
      writtenCount += wanted.length
      after = more ? (messages.at(-1)?.seq ?? upTo) : upTo
    }
    await this.#advance(run, { writtenCount, messageCount })
  }

  /** In its turn: pages of all people together are few at once. */
  async #pageAfter({ actor }: Run, view: View, after: number) {
    const { pageGate, store } = this.#deps
    return await pageGate.run({ party: actor.userId }, async () => await store.messages.pageAfter(view, after, PAGE))
  }

  async #addPage(archive: Archive, view: View, messages: readonly MessageDoc[], names: Names): Promise<void> {
    for (const message of messages) await this.#addFiles(archive, message, names)
    const answeredBy = await this.#deps.store.messages.findAnswered(messages)
    const nameOf = ({ fileId }: AttachmentDoc) => fileId && names.get(fileId.toHexString())
    await archive.addLines(messages.map(doc => messageLine(presentMessage(doc, answeredBy(doc), view), doc, nameOf)))
  }

  /** Adds the files of a message that are there and not in the archive. */
  async #addFiles(archive: Archive, { attachments = [], createdAt }: MessageDoc, names: Names): Promise<void> {
    for (const { fileId } of attachments) {
      const id = fileId?.toHexString()
      if (fileId === undefined || id === undefined || names.has(id)) continue
      const file = await this.#deps.madeFiles.open(fileId)
      if (file === undefined) continue
      if (names.size >= MAX_FILES) throw new AppError('too_large', `An archive has ${MAX_FILES} files at most`)
      const name = entryNameOf(id, file.name)
      await archive.addFile(name, file.bytes, createdAt)
      names.set(id, name)
    }
  }

  async #advance({ _id, fileId, signal }: Run, counts: { writtenCount: number; messageCount: number }): Promise<void> {
    signal.throwIfAborted()
    if (!(await this.#deps.store.exports.advance({ _id, fileId }, counts))) throw new Unwanted()
  }
}
