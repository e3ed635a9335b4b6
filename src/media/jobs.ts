import type { Jobs } from '../jobs/index.ts'
import type { Staging } from './receive.ts'
import type { UnusedFiles } from './unused.ts'
import type { UploadService } from './uploads/uploads.ts'

/** Interval at which files that nobody uses are looked for, ms. */
const LOOK_MS = 60_000
/** Interval at which what killed servers have half received is, ms. */
const CLEAN_MS = 3_600_000

interface FileJobDeps {
  readonly unusedFiles: UnusedFiles
  readonly uploads: Pick<UploadService, 'clean'>
  readonly staging: Staging
}

/** Declares the work on files in the background. */
export function declareFileJobs(
  jobs: Pick<Jobs, 'oneServer' | 'everyServer'>,
  { unusedFiles, uploads, staging }: FileJobDeps
) {
  jobs.oneServer({ name: 'unused-files', everyMs: LOOK_MS, run: async signal => await unusedFiles.remove(signal) })
  const clean = async () => {
    await staging.clean()
    await uploads.clean()
  }
  jobs.everyServer({ name: 'half-uploads', everyMs: CLEAN_MS, run: clean })
}
