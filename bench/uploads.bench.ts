import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench, Side } from './bench.ts'
import { compare } from './compare.ts'
import type { UploadsResult } from './load/uploads.ts'
import type { Section } from './report.ts'
import type { Metric } from './rounds.ts'

const FILES = 20
const MEBIBYTES = 100
const METRICS: readonly Metric<UploadsResult>[] = [
  { title: 'MiB/s', isMoreBetter: true, of: ({ seconds }) => (FILES * MEBIBYTES) / seconds },
  { title: 'server CPU ms a MiB', isMoreBetter: false, of: ({ serverCpuMs }) => serverCpuMs / (FILES * MEBIBYTES) },
  { title: 'memory grown by, MiB', isMoreBetter: false, of: ({ grownBytes }) => grownBytes / 2 ** 20 }
]

/** Large uploads at once, against @fastify/multipart that writes them to the same disk. */
export async function runUploads(bench: Bench): Promise<Section> {
  const ours = { side: 'Parley', results: [] as UploadsResult[] }
  const theirs = { side: '@fastify/multipart', results: [] as UploadsResult[] }
  for (let round = 1; round <= bench.options.rounds; round++) {
    const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
    theirs.results.push(await measure(bench, await bench.startBareFiles('multipart', folder)))
    await rm(folder, { recursive: true, force: true })
    ours.results.push(await measure(bench, await bench.startParley()))
    bench.progress(`round ${round} is done`)
  }
  return { title: 'uploads', notes: NOTES, tables: [compare('Uploads at once', [theirs, ours], METRICS)] }
}

async function measure(bench: Bench, side: Side): Promise<UploadsResult> {
  const result = await bench.load('uploadAtOnce', { target: side.target, files: FILES, mebibytes: MEBIBYTES })
  await side.stop()
  return result
}

const NOTES = [
  `${FILES} people upload ${MEBIBYTES} MiB each at once, as forms, of a kind that nothing is known of. The peer writes ` +
    'the bytes to a file and answers.'
]
