import type { Bench } from './bench.ts'
import type { TrafficResult } from './load/traffic.ts'
import type { Target } from './load/wire.ts'

/** Messages per second. */
const STEPS = [100, 200, 400, 700, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 8000, 10_000, 12_000]
const HELD_P99_MS = 250
const SENDERS = 200
/** A later round starts this many steps below what was held before. */
const STEPS_BELOW = 1

/**
 * The highest step held: nearly everything answered and delivered, and the p99 of both under 250 ms. Climbs until a
 * step fails; when the first one already does, goes down.
 * @param before what was held in the round before, which saves the steps below
 */
export async function findHeldRate(bench: Bench, target: Target, before?: number): Promise<number> {
  let index = Math.max(0, STEPS.indexOf(before ?? 0) - STEPS_BELOW)
  const isHeldAt = async (step: number) => {
    const rate = STEPS[step]
    if (rate === undefined) return false
    const { seconds } = bench.options
    return isHeld(rate, await bench.load('sendOpenLoop', { target, senders: SENDERS, members: 2, rate, seconds }))
  }
  if (await isHeldAt(index)) {
    while (await isHeldAt(index + 1)) index++
    return STEPS[index] ?? 0
  }
  do index--
  while (index >= 0 && !(await isHeldAt(index)))
  return STEPS[index] ?? 0
}

function isHeld(rate: number, result: TrafficResult): boolean {
  const { acked, seconds, ackP99Ms, deliveredP99Ms, refused, unanswered } = result
  const isComplete = refused === 0 && unanswered === 0 && acked >= rate * seconds * 0.95
  return isComplete && ackP99Ms < HELD_P99_MS && deliveredP99Ms < HELD_P99_MS
}
