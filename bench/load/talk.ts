import { once } from 'node:events'
import { Histogram } from '../stats.ts'
import { ParleyWire } from './parley-wire.ts'
import type { BenchConversation, Target } from './wire.ts'

/** Load of a user who sends in a closed loop until the load's process is told to stop. */
export interface Talk {
  readonly target: Target
  readonly conversation: BenchConversation
  /** Sends before this time (ms since 1970) warm up and do not count. */
  readonly countFrom: number
}

/** Durations of the sends. */
export interface TalkResult {
  readonly sends: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Sends one message after the other. It has a process of its own, so that other load does not delay its clock. */
export async function talk({ target, conversation, countFrom }: Talk): Promise<TalkResult> {
  const wire = new ParleyWire(target)
  const [sender] = conversation.members
  if (sender === undefined) throw new Error('Nobody is there to talk')
  const socket = await wire.connect(sender)
  const histogram = new Histogram()
  const stopped = new AbortController()
  void once(process, 'message').then(() => stopped.abort())
  const base = Date.now()
  for (let count = 1; !stopped.signal.aborted; count++) {
    const n = base + count
    const isCounted = Date.now() >= countFrom
    const sentAt = performance.now()
    const answered = socket.awaitFrame(text => text.startsWith(`{"v":1,"id":"${n}"`))
    socket.send(wire.sendFrame(conversation, sender, n))
    const answer = await answered
    if (!answer.includes('"ok":true')) throw new Error(`A send was refused: ${answer}`)
    if (isCounted) histogram.add(performance.now() - sentAt)
  }
  socket.close()
  return { sends: histogram.count, p50Ms: histogram.percentile(0.5), p99Ms: histogram.percentile(0.99) }
}
