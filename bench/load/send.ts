import { setTimeout as sleep } from 'node:timers/promises'
import { openCrowd } from './crowd.ts'
import { OrderWatch } from './order-watch.ts'
import { Traffic, type TrafficResult } from './traffic.ts'
import type { Target } from './wire.ts'

const WARM_UP_MS = 1_000
/** A server that refuses is not asked again at once. */
const REFUSED_PAUSE_MS = 5

/** Loop in which each sender waits for its answer before it sends again. */
export interface ClosedLoop {
  readonly target: Target
  readonly senders: number
  /** People in each conversation; all are connected. */
  readonly members: number
  /** Messages that a sender has under way at a time. */
  readonly inFlight: number
  readonly seconds: number
  /** Whether order and duplicates are checked; costs the load some work for each delivery. */
  readonly isWatched: boolean
}

/** Runs a closed loop and answers what came of it. */
export async function sendClosedLoop(loop: ClosedLoop): Promise<TrafficResult> {
  const { target, senders, members, inFlight, seconds, isWatched } = loop
  const crowd = await openCrowd(target, senders, members)
  const traffic = new Traffic(target, crowd, isWatched ? new OrderWatch(senders) : undefined)
  let isRunning: boolean = true
  let refusedBefore = 0
  traffic.onAnswer = sender => {
    if (!isRunning) return
    const { refused } = traffic
    if (refused === refusedBefore) traffic.send(sender)
    else setTimeout(() => isRunning && traffic.send(sender), REFUSED_PAUSE_MS)
    refusedBefore = refused
  }
  for (let sender = 0; sender < senders; sender++) {
    for (let count = 0; count < inFlight; count++) traffic.send(sender)
  }
  await sleep(WARM_UP_MS)
  traffic.startWindow()
  await sleep(seconds * 1000)
  traffic.endWindow()
  isRunning = false
  await traffic.drain()
  await crowd.close()
  return traffic.result()
}

/** Messages leave at a given rate, whatever the answers. */
export interface OpenLoop {
  readonly target: Target
  readonly senders: number
  readonly members: number
  /** Messages per second, all senders together, in turn. */
  readonly rate: number
  readonly seconds: number
}

const TICK_MS = 2
/** A server this many seconds behind has lost; the rest would only cost time. */
const LOST_SECONDS = 2

/** Runs an open loop; latencies count from when a message was due, so that a stall is not hidden. */
export async function sendOpenLoop({ target, senders, members, rate, seconds }: OpenLoop): Promise<TrafficResult> {
  const crowd = await openCrowd(target, senders, members)
  const traffic = new Traffic(target, crowd)
  const startedAt = performance.now()
  const endsAt = startedAt + WARM_UP_MS + seconds * 1000
  let sent = 0
  let isCounting = false
  while (performance.now() < endsAt && traffic.outstanding < rate * LOST_SECONDS) {
    const elapsedMs = performance.now() - startedAt
    if (!isCounting && elapsedMs >= WARM_UP_MS) {
      isCounting = true
      traffic.startWindow()
    }
    for (; sent < (elapsedMs * rate) / 1000; sent++) traffic.send(sent % senders, startedAt + (sent * 1000) / rate)
    await sleep(TICK_MS)
  }
  if (!isCounting) traffic.startWindow()
  traffic.endWindow()
  await traffic.drain()
  await crowd.close()
  return traffic.result()
}
