import type { Test } from 'tap'
import type { Dialect } from '../../src/dialects/kit/dialect.ts'
import type { Findings } from './findings.ts'
import { type CommandData, fuzzDialectFrames, fuzzFrames } from './frames.ts'
import { withKnown } from './known.ts'
import { fuzzPackets } from './packets.ts'
import type { World } from './world.ts'

interface Options {
  readonly dialects: readonly Dialect[]
  readonly seed: number
  /** Of each command. */
  readonly cases: number
}

/** Says every command of the contract and of every dialect, in every framing. */
export async function fuzzSockets(
  t: Test,
  world: World,
  findings: Findings,
  { dialects, ...options }: Options
): Promise<void> {
  await fuzzFrames(world, findings, options)
  for (const { name: dialect, realtime } of dialects) {
    const described = realtime.commands.types.map(type => ({ type, data: realtime.commands.schemaOf(type) }))
    const commands = withKnown<readonly CommandData[]>(described, world.known)
    await fuzzDialectFrames(world, findings, { ...options, dialect, commands })
    await fuzzPackets(t, world, findings, { ...options, dialect, commands })
  }
}
