import type { Test } from 'tap'
import { allDialects } from '../matrix/routes/table.ts'
import type { Findings } from './findings.ts'
import { type CommandData, fuzzDialectFrames, fuzzFrames } from './frames.ts'
import { withKnown } from './known.ts'
import { fuzzPackets } from './packets.ts'
import type { World } from './world.ts'

interface Options {
  readonly seed: number
  /** Of each command. */
  readonly cases: number
}

/** Says every command of the contract and of every dialect, in every framing. */
export async function fuzzSockets(t: Test, world: World, findings: Findings, options: Options): Promise<void> {
  await fuzzFrames(world, findings, options)
  for (const { name: dialect, realtime } of await allDialects(t)) {
    const types = realtime.commands.types
    const described = types.map(type => ({ type, data: realtime.commands.schemaOf(type) }))
    const commands = withKnown<readonly CommandData[]>(described, world.known)
    await fuzzDialectFrames(world, findings, { ...options, dialect, commands })
    await fuzzPackets(t, world, findings, { ...options, dialect, commands })
  }
}
