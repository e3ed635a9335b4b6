import { ERRORS } from '../../../protocol/errors.ts'
import type { Config } from '../../config/config.ts'
import type { DatabaseClock } from '../../database/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import type { WorkKind } from '../../jobs/index.ts'
import type { MadeFiles } from '../../media/index.ts'
import type { ConversationStore } from '../../store/conversations.ts'
import { noSuchConversation } from '../../store/missing.ts'
import { writeArchive } from './archive.ts'
import type { ChangeExport } from './changes.ts'
import { type ExportContent, type Run, Unwanted } from './content.ts'
import { EXPORTING, KEPT_MS } from './exports.ts'
import type { ExportDoc, ExportStore, Outcome } from './store.ts'

/** Archives that one server makes at once. */
const AT_ONCE = 2
/** Longest time that one takes, ms. */
const LIMIT_MS = 6 * 3_600_000
/** Runs after which an archive is given up. */
const MAX_ATTEMPTS = 10

interface WritingDeps {
  readonly store: { readonly conversations: ConversationStore; readonly exports: ExportStore }
  readonly content: ExportContent
  readonly madeFiles: MadeFiles
  readonly clock: DatabaseClock
  readonly config: Pick<Config, 'limits'>
  readonly changeExport: ChangeExport
}

/**
 * The work that makes archives. Of a run that dies the next one removes what it has left, and begins anew; only the run
 * that began last can end the export.
 */
export function createExportWriting({ store, madeFiles, changeExport, clock, ...deps }: WritingDeps): WorkKind {
  const write = async (run: Run): Promise<Outcome> => {
    const { conversationId, fileId, actor, signal } = run
    const maxBytes = deps.config.limits.exportMebibytes * 2 ** 20
    return await madeFiles.within(async path => {
      const doc = await store.conversations.find(conversationId)
      if (doc === null) throw noSuchConversation()
      await writeArchive(path, { maxBytes, signal }, async archive => await deps.content.fill(archive, run, doc))
      await deps.content.requireStill(run)
      const day = new Date(clock.now()).toISOString().slice(0, 10)
      const about = { fileName: `${doc.name ?? 'conversation'} ${day}.zip`, mimeType: 'application/zip' }
      return { archive: await madeFiles.keep(actor, path, { fileId, conversationId, ...about }) }
    })
  }

  const end = async (doc: ExportDoc, fileId: ObjectId, outcome: Outcome): Promise<void> => {
    const expiresAt = new Date(clock.now() + KEPT_MS)
    const ended = await changeExport(
      doc,
      async session => await store.exports.finish({ _id: doc._id, fileId }, outcome, expiresAt, session)
    )
    if (ended?.archive === undefined) await madeFiles.discard(fileId)
  }

  return {
    kind: EXPORTING,
    concurrency: AT_ONCE,
    limitMs: LIMIT_MS,
    run: async ({ key, attempt, signal }) => {
      const [_id, fileId] = [new ObjectId(key), new ObjectId()]
      const before = await store.exports.begin(_id, fileId)
      const left = before ?? (await store.exports.find(_id))
      const isLeft = before !== null || left?.status === 'cancelled'
      if (isLeft && left?.fileId !== undefined) await madeFiles.discard(left.fileId)
      if (before === null) return
      const { conversationId, userId } = before
      const actor = { userId: userId.toHexString(), expiresAt: Number.POSITIVE_INFINITY }
      const outcome = await write({ _id, fileId, actor, conversationId, signal }).catch((error: unknown) => {
        if (signal.aborted && attempt < MAX_ATTEMPTS) throw error
        return refusalOf(error, attempt)
      })
      if (outcome !== undefined) await end(before, fileId, outcome)
    }
  }
}

/** Refusal that is kept as the outcome; none of what nobody waits for. @throws what may be otherwise in a while: it is tried again */
function refusalOf(error: unknown, attempt: number): Outcome | undefined {
  if (error instanceof Unwanted) return undefined
  if (error instanceof AppError && ERRORS[error.code].retry !== 'later') {
    return { refusal: { code: error.code, message: error.message } }
  }
  if (attempt < MAX_ATTEMPTS) throw error
  return { refusal: { code: 'internal', message: 'The archive could not be made' } }
}
