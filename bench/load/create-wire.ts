import { BareWire } from './bare-wire.ts'
import { PacketWire } from './packet-wire.ts'
import { ParleyWire } from './parley-wire.ts'
import { TaatomWire } from './taatom-wire.ts'
import type { Target, Wire } from './wire.ts'

/** The wire that a target understands. */
export function createWire(target: Target): Wire {
  if (target.kind === 'parley') return new ParleyWire(target)
  if (target.kind === 'taatom') return new TaatomWire(target)
  if (target.kind === 'packets') return new PacketWire(target)
  return new BareWire(target)
}
