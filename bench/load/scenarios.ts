import { abuse } from './abuse.ts'
import { watchBystanders } from './bystanders.ts'
import { comeBack } from './come-back.ts'
import { commitMessages } from './commit.ts'
import { authorMissed, comeBackDevices, seedDevices } from './devices.ts'
import { fanOut } from './fanout.ts'
import { readHistory } from './history.ts'
import { holdIdle } from './idle.ts'
import { drainJobs, seedJobs, watchJobs } from './jobs.ts'
import { readList } from './list.ts'
import { openPictures } from './media.ts'
import { openSchool, seedSchool } from './school.ts'
import { awaitIndex, readSearch, seedSearch } from './search.ts'
import { compareIndexes } from './search-index.ts'
import { seedAbuse } from './seed-abuse.ts'
import { seedCatchUp } from './seed-catch-up.ts'
import { seedHistory } from './seed-history.ts'
import { seedList } from './seed-list.ts'
import { seedPictures } from './seed-pictures.ts'
import { sendClosedLoop, sendOpenLoop } from './send.ts'
import { sendAndIndex } from './send-and-index.ts'
import { talk } from './talk.ts'
import { uploadAtOnce } from './uploads.ts'

/** Scenarios of the load, by name; parameters and results cross the process boundary as plain values. */
export const SCENARIOS = {
  sendClosedLoop,
  sendOpenLoop,
  fanOut,
  holdIdle,
  seedHistory,
  readHistory,
  seedList,
  readList,
  seedCatchUp,
  comeBack,
  seedDevices,
  authorMissed,
  comeBackDevices,
  talk,
  commitMessages,
  seedJobs,
  drainJobs,
  watchJobs,
  seedAbuse,
  abuse,
  watchBystanders,
  seedSchool,
  openSchool,
  compareIndexes,
  seedSearch,
  awaitIndex,
  readSearch,
  seedPictures,
  openPictures,
  uploadAtOnce,
  sendAndIndex
}

type Scenarios = typeof SCENARIOS
/** The name of a scenario. */
export type ScenarioName = keyof Scenarios
/** Parameters and result of a scenario. */
export type ScenarioParams<Name extends ScenarioName> = Parameters<Scenarios[Name]>[0]
export type ScenarioResult<Name extends ScenarioName> = Awaited<ReturnType<Scenarios[Name]>>
