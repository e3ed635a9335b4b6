import { bareId } from '../../../protocol/ids.ts'
import { MAX_PAGE_SIZE } from '../../../protocol/limits.ts'
import type { Export } from '../../../protocol/messages/exports/entities.ts'
import type { ExportList } from '../../../protocol/messages/exports/routes.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { viewOf } from '../../conversations/index.ts'
import type { ClientSession, DatabaseClock } from '../../database/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import type { Jobs } from '../../jobs/index.ts'
import { type Budgets, WEIGHT } from '../../limits/budgets.ts'
import type { MadeFiles } from '../../media/index.ts'
import type { MemberStore } from '../../store/members.ts'
import type { ChangeExport } from './changes.ts'
import { presentExport } from './present.ts'
import type { ExportDoc, ExportStore } from './store.ts'

/** Kind of the work that makes the archives; the key is the id of the export. */
export const EXPORTING = 'export'
/** Time for which an archive is kept, and within which exports are counted, ms. */
export const KEPT_MS = 86_400_000

interface ExportDeps {
  readonly store: { readonly members: MemberStore; readonly exports: ExportStore }
  readonly madeFiles: Pick<MadeFiles, 'discard'>
  readonly clock: DatabaseClock
  readonly config: Pick<Config, 'limits'>
  readonly budgets: Budgets
  readonly jobs: Pick<Jobs, 'enqueue'>
  readonly changeExport: ChangeExport
}

/** Exports of their persons: begun, looked at and taken back. Each is written together with the work that makes it. */
export class ExportService {
  readonly #deps: ExportDeps
  readonly #store: ExportDeps['store']

  constructor(deps: ExportDeps) {
    this.#deps = deps
    this.#store = deps.store
  }

  /**
   * Begins an export of a conversation, unless one of the actor is under way.
   * @throws {AppError} `not_found` for who is not a member, `rate_limited` for one too many in a day
   */
  async begin(actor: Actor, id: string): Promise<{ begun: Export; isNew: boolean }> {
    this.#deps.budgets.spend(actor, WEIGHT.list)
    const { userId, conversationId } = await viewOf(this.#store.members, actor, id)
    const createdAt = new Date(this.#deps.clock.now())
    const counts = { writtenCount: 0, messageCount: 0 }
    const doc: ExportDoc = { _id: new ObjectId(), userId, conversationId, status: 'waiting', ...counts, createdAt }
    let before: ExportDoc | null = null
    const written = await this.#deps.changeExport(doc, async session => {
      before = await this.#store.exports.findUnderWay(userId, conversationId, session)
      if (before !== null) return null
      await this.#requireRoom(doc, session)
      await this.#store.exports.insert(doc, session)
      await this.#deps.jobs.enqueue(EXPORTING, [{ key: doc._id.toHexString(), rev: 1 }], session)
      return doc
    })
    return { begun: presentExport(written ?? before ?? doc), isNew: written !== null }
  }

  /** The actor's exports that have not expired, the newest first. */
  async list(actor: Actor): Promise<ExportList> {
    const found = await this.#store.exports.newest(new ObjectId(actor.userId), MAX_PAGE_SIZE)
    return { exports: found.map(presentExport) }
  }

  /** @throws {AppError} `not_found` for others than who has begun it, and once it has expired */
  async get(actor: Actor, id: string): Promise<Export> {
    return presentExport(await this.#require(actor, id))
  }

  /** Takes an export back, with its archive; a repeat changes nothing, and one that was refused stays so. @throws {AppError} `not_found` */
  async cancel(actor: Actor, id: string): Promise<Export> {
    const doc = await this.#require(actor, id)
    const expiresAt = new Date(this.#deps.clock.now() + KEPT_MS)
    const cancelled = await this.#deps.changeExport(
      doc,
      async session => await this.#store.exports.cancel(doc._id, expiresAt, session)
    )
    const after = cancelled ?? (await this.#require(actor, id))
    // A run under way sees that it is not wanted, and leaves nothing behind.
    if (after.fileId !== undefined && after.archive !== undefined) await this.#deps.madeFiles.discard(after.fileId)
    return presentExport(after)
  }

  async #requireRoom({ userId, createdAt }: ExportDoc, session: ClientSession): Promise<void> {
    const { exportsPerDay } = this.#deps.config.limits
    const since = new Date(createdAt.getTime() - KEPT_MS)
    const oldest = await this.#store.exports.findNth(userId, since, exportsPerDay, session)
    if (oldest === null) return
    const retryAfterMs = oldest.createdAt.getTime() - since.getTime()
    throw new AppError('rate_limited', `At most ${exportsPerDay} exports a day`, { retryAfterMs })
  }

  async #require(actor: Actor, id: string): Promise<ExportDoc> {
    const doc = await this.#store.exports.find(new ObjectId(bareId(id)))
    if (doc?.userId.toHexString() !== actor.userId) throw new AppError('not_found', 'No such export')
    return doc
  }
}
