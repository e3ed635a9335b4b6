/** `npm run bench -- [case …] [--rounds 5] [--seconds 5] [--out bench/results.md] [--before ../other]`: all by default. */
import { runAbuse } from './abuse.bench.ts'
import { runAddress } from './address.bench.ts'
import { runBefore } from './before.bench.ts'
import { Bench } from './bench.ts'
import { runCatchUp } from './catchup.bench.ts'
import { runCommit } from './commit.bench.ts'
import { openDatabase } from './database.ts'
import { runDevices } from './devices.bench.ts'
import { runDialects } from './dialects.bench.ts'
import { runFanout } from './fanout.bench.ts'
import { runHistory } from './history.bench.ts'
import { runIdle } from './idle.bench.ts'
import { runJobs } from './jobs.bench.ts'
import { runList } from './list.bench.ts'
import { runMedia } from './media.bench.ts'
import { runNodes } from './nodes.bench.ts'
import { type Options, parseOptions } from './options.ts'
import { renderSection, type Section, writeReport } from './report.ts'
import { runSearch } from './search.bench.ts'
import { runSend } from './send.bench.ts'
import { runStart } from './start.bench.ts'
import { runUploads } from './uploads.bench.ts'

const CASES: Readonly<Record<string, (bench: Bench) => Promise<Section>>> = {
  send: runSend,
  fanout: runFanout,
  idle: runIdle,
  history: runHistory,
  list: runList,
  catchup: runCatchUp,
  devices: runDevices,
  commit: runCommit,
  jobs: runJobs,
  nodes: runNodes,
  dialects: runDialects,
  start: runStart,
  search: runSearch,
  media: runMedia,
  uploads: runUploads,
  abuse: runAbuse,
  address: runAddress,
  before: runBefore
}

async function run(options: Options): Promise<void> {
  const all = Object.keys(CASES).filter(name => name !== 'before' || options.before !== undefined)
  const names = options.cases.length > 0 ? options.cases : all
  const unknown = names.filter(name => CASES[name] === undefined)
  if (unknown.length > 0)
    throw new Error(`No such case: ${unknown.join(', ')}; there are ${Object.keys(CASES).join(', ')}`)
  const database = await openDatabase(process.env)
  const bench = new Bench(options, database)
  const sections: Section[] = []
  const stop = () => {
    void bench.close().finally(() => process.exit(130))
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    for (const name of names) {
      process.stdout.write(`\n${name}\n`)
      const section = await CASES[name]?.(bench)
      if (section === undefined) continue
      sections.push(section)
      process.stdout.write(`\n${renderSection(section)}\n`)
      await writeReport(options, database.version, sections)
    }
  } finally {
    await bench.close()
  }
}

try {
  await run(parseOptions(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
