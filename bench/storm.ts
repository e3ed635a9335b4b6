import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench.ts'
import type { Talk, TalkResult } from './load/talk.ts'
import type { Table } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

/** For the bystander to connect and warm up before the others come. */
const LEAD_MS = 1_500

/** What a bystander felt in quiet and while others came back, and what that cost. */
export interface StormRound<Storm> {
  readonly quiet: TalkResult
  readonly meanwhile: TalkResult
  readonly storm: Storm
}

/** Somebody goes on talking, first in quiet and then while others come back. */
export async function talkThrough<Storm>(
  bench: Bench,
  talker: Omit<Talk, 'countFrom'>,
  comeBack: () => Promise<Storm>
): Promise<StormRound<Storm>> {
  const talk = (until: Promise<unknown>) => bench.load('talk', { ...talker, countFrom: Date.now() + LEAD_MS }, until)
  const quiet = await talk(sleep(LEAD_MS + bench.options.seconds * 1000))
  const coming = sleep(LEAD_MS).then(comeBack)
  const [meanwhile, storm] = await Promise.all([talk(coming), coming])
  return { quiet, meanwhile, storm }
}

/** A row for each figure, and at the end how much longer the bystander waited. */
export function stormTable<Storm>(
  title: string,
  rounds: readonly StormRound<Storm>[],
  figures: Readonly<Record<string, (round: StormRound<Storm>) => number>>
): Table {
  const rows = Object.entries(figures).map(([name, read]) => [name, figure(median(rounds.map(read)))])
  const ratio = ratios(
    rounds.map(({ meanwhile }) => meanwhile.p99Ms),
    rounds.map(({ quiet }) => quiet.p99Ms)
  )
  return { title, columns: ['', 'figure'], rows: [...rows, ['p99 meanwhile to quiet', withSpread(ratio)]] }
}
