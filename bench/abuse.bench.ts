import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench.ts'
import type { AbuseKind, AbuseResult } from './load/abuse.ts'
import type { BystandersResult } from './load/bystanders.ts'
import type { Section } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

const SHAPE = { victims: 500, pairs: 20 } as const
/** About four messages a second of each sender: within the limits. */
const PAUSE_MS = 230
/** For everybody to connect and warm up. */
const LEAD_MS = 2_000

const KINDS: readonly AbuseKind[] = [
  'nothing',
  'groups',
  'members',
  'pages',
  'resumption',
  'live',
  'lists',
  'reactions'
]
const WORDS: Readonly<Record<AbuseKind, string>> = {
  nothing: 'is connected, and does nothing',
  groups: 'makes groups of 100 strangers',
  members: 'makes groups, adds 250 people to each, and ends them',
  pages: 'reads pages of messages of 60 kB',
  resumption: 'resumes event streams from the beginning of time',
  live: 'types, changes presence and marks as read',
  lists: 'asks for the longest lists, in the words of every app',
  reactions: 'reacts to a large message in a group with everybody'
}

interface Measured {
  readonly kind: AbuseKind
  readonly quiet: BystandersResult
  readonly meanwhile: BystandersResult
  readonly done: AbuseResult
}

/** One person does the worst that the default limits let them, one kind after the other, and others go on talking. */
export async function runAbuse(bench: Bench): Promise<Section> {
  const database = bench.newDatabase()
  const lifted = await bench.startParley({ database })
  bench.progress('setting the scene')
  const scene = await bench.load('seedAbuse', { target: lifted.target, ...SHAPE })
  await lifted.stop()
  const { target, stop } = await bench.startParley({ database, hasDefaultLimits: true })
  const measured: Measured[] = []
  const watch = (until: Promise<unknown>) =>
    bench.load(
      'watchBystanders',
      { target, conversations: scene.bystanders, pauseMs: PAUSE_MS, countFrom: Date.now() + LEAD_MS },
      until
    )
  const stretch = async () => await sleep(LEAD_MS + bench.options.seconds * 1_000)
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const kind of KINDS) {
      const quiet = await watch(stretch())
      const until = stretch()
      const [meanwhile, done] = await Promise.all([
        watch(until),
        bench.load('abuse', { target, kind, ...scene }, until)
      ])
      measured.push({ kind, quiet, meanwhile, done })
      bench.progress(
        `round ${round}, ${kind}: p99 ${figure(quiet.p99Ms)} → ${figure(meanwhile.p99Ms)} ms, ` +
          `${meanwhile.closed} closed, ${meanwhile.refused} refused; ${done.granted} done, ${done.refused} refused`
      )
    }
  }
  await stop()
  return section(measured)
}

function section(measured: readonly Measured[]): Section {
  const rows = KINDS.map(kind => {
    const of = <T>(read: (it: Measured) => T) => measured.filter(it => it.kind === kind).map(read)
    const ratio = ratios(
      of(({ meanwhile }) => meanwhile.p99Ms),
      of(({ quiet }) => quiet.p99Ms)
    )
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
    return [
      WORDS[kind],
      figure(median(of(({ quiet }) => quiet.p99Ms))),
      figure(median(of(({ meanwhile }) => meanwhile.p99Ms))),
      withSpread(ratio),
      String(sum(of(({ meanwhile }) => meanwhile.closed))),
      String(sum(of(({ meanwhile }) => meanwhile.refused))),
      `${figure(median(of(({ done }) => done.granted)))} / ${figure(median(of(({ done }) => done.refused)))}`
    ]
  })
  return {
    title: 'abuse',
    notes: [
      `${SHAPE.pairs} pairs of bystanders send about four messages a second each, and all of them are in a group with ` +
        'the abuser, whom only the default limits hold back: who is told to wait waits as long as told. The ratio is the ' +
        'bystanders’ p99 to that of the quiet stretch just before.'
    ],
    tables: [
      {
        title: 'What others feel while somebody …',
        columns: ['', 'p99 quiet, ms', 'p99 meanwhile, ms', 'ratio', 'closed', 'refused', 'done / refused'],
        rows
      }
    ]
  }
}
