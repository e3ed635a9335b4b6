import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import { compare } from './compare.ts'
import type { OpenedPictures } from './load/media.ts'
import type { Opening } from './load/seed-pictures.ts'
import type { Section } from './report.ts'
import type { Metric } from './rounds.ts'

const PICTURES = 50
const READERS = 200
const METRICS: readonly Metric<OpenedPictures>[] = [
  { title: 'requests/s', isMoreBetter: true, of: ({ requests, seconds }) => requests / seconds },
  { title: 'MiB/s', isMoreBetter: true, of: ({ bytes, seconds }) => bytes / seconds / 2 ** 20 },
  {
    title: 'per server CPU s',
    isMoreBetter: true,
    of: ({ requests, serverCpuMs }) => (requests * 1_000) / serverCpuMs
  },
  {
    title: 'per server+mongod CPU s',
    isMoreBetter: true,
    of: ({ requests, serverCpuMs, mongodCpuMs }) => (requests * 1_000) / (serverCpuMs + mongodCpuMs)
  }
]

/** Opening a conversation of pictures, against @fastify/static that serves the same bytes to anybody. */
export async function runMedia(bench: Bench): Promise<Section> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  const ours = { side: 'Parley', results: [] as OpenedPictures[] }
  const theirs = { side: '@fastify/static', results: [] as OpenedPictures[] }
  const parley = await bench.startParley()
  bench.progress('uploading the pictures')
  const params = { target: parley.target, pictures: PICTURES, readers: READERS, folder }
  const openings = await bench.load('seedPictures', params)
  const files = Array.from({ length: PICTURES }, (_, index) => `/${index}.webp`)
  const bare = openings.map((): Opening => ({ token: 'nobody', page: '/page.json', thumbnails: files }))
  const { rounds, seconds } = bench.options
  for (let round = 1; round <= rounds; round++) {
    ours.results.push(await bench.load('openPictures', { target: parley.target, openings, seconds }))
    const peer = await bench.startBareFiles('static', folder)
    theirs.results.push(await bench.load('openPictures', { target: peer.target, openings: bare, seconds }))
    await peer.stop()
    bench.progress(`round ${round} is done`)
  }
  await parley.stop()
  await rm(folder, { recursive: true, force: true })
  return { title: 'media', notes: NOTES, tables: [compare('50 pictures', [theirs, ours], METRICS)] }
}

const NOTES = [
  `${READERS} readers at once, each over one connection: the page of history with ${PICTURES} pictures, then their ` +
    'thumbnails by their addresses, and again from the start. Parley asks at each request who may see the file; ' +
    '@fastify/static serves files of the same bytes to anybody.'
]
