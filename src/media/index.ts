import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { Collections, Database, DatabaseClock } from '../database/index.ts'
import { FairGate } from '../limits/fair-gate.ts'
import { baseOf, type FileLinks, fileLinks } from '../present/file-links.ts'
import type { MemberStore } from '../store/members.ts'
import type { UserService, Visibility } from '../users/index.ts'
import { FileAccess } from './access.ts'
import { FileContents } from './contents.ts'
import { FileService } from './files.ts'
import { FileKeeping } from './keeping.ts'
import { MadeFiles } from './made-files.ts'
import { PictureClaims } from './picture-claims.ts'
import { Staging } from './receive.ts'
import { Recordings } from './recordings/recordings.ts'
import { createScanner } from './scanner.ts'
import type { BlobStore } from './storage/index.ts'
import { FileStore } from './store.ts'
import { UnusedFiles } from './unused.ts'
import { UploadLocks } from './uploads/locks.ts'
import { Tus } from './uploads/tus.ts'
import { UploadService } from './uploads/uploads.ts'
import { FileUses } from './uses/store.ts'

export type { FileService } from './files.ts'
export { declareFileJobs } from './jobs.ts'
export type { MadeFiles } from './made-files.ts'
export { createStorage } from './storage/index.ts'

/** Uploads at once, of everybody. */
const UPLOADS = 64

/** The collections of files. */
export const mediaCollections: Collections = FileStore.indexes

export function createMediaStores({ client, db, clock }: Database) {
  const files = new FileStore(client, db)
  const fileUses = new FileUses(db)
  return { files, fileUses, pictures: new PictureClaims({ files, fileUses, links: fileLinks, clock }) }
}

interface MediaDeps {
  readonly store: ReturnType<typeof createMediaStores> & { readonly members: MemberStore }
  readonly storage: BlobStore
  readonly users: Pick<UserService, 'requireEnabled'>
  readonly visibility: Pick<Visibility, 'showsPicture'>
  readonly links: FileLinks
  readonly clock: DatabaseClock
  readonly config: Config
  readonly onError: (error: unknown) => void
}

/** Files that people upload: keeping them, showing them to who may see them, and removing what nobody uses. */
export function createMedia(deps: MediaDeps) {
  const access = new FileAccess(deps)
  const recordings = new Recordings(deps.config.timings.recordingMs)
  const scanner = createScanner(deps)
  const staging = new Staging(join(deps.config.DATA_DIR, 'uploads'))
  const keeping = new FileKeeping({ ...deps, recordings, scanner })
  const { limits, PUBLIC_URL } = deps.config
  const gate = new FairGate({ width: UPLOADS, widthEach: limits.uploadsAtOnce, maxWaiting: 1_000, maxWaitingEach: 20 })
  const uploads = new UploadService({ ...deps, keeping, staging, gate })
  return {
    files: new FileService({ ...deps, access, staging, keeping, gate }),
    uploads,
    tus: new Tus({ uploads, locks: new UploadLocks(), base: baseOf(PUBLIC_URL) }),
    contents: new FileContents({ ...deps, access }),
    madeFiles: new MadeFiles({ ...deps, staging, keeping }),
    unusedFiles: new UnusedFiles(deps),
    staging
  }
}
