import { Histogram } from '../stats.ts'
import type { BenchUser } from '../users.ts'
import { ParleyRest } from './parley-rest.ts'
import { ParleyWire } from './parley-wire.ts'
import type { Target } from './wire.ts'

const WARM_UP_SHARE = 0.2

/** Load on a conversation with this many messages, read and written by one person, one call at a time. */
export interface History {
  readonly target: Target
  readonly conversationId: string
  readonly user: BenchUser
  readonly messages: number
  readonly seconds: number
}

/** Median and p99 of each kind of call, ms. */
export interface HistoryResult {
  readonly newest: Timing
  readonly middle: Timing
  readonly send: Timing
}

/** Durations of the calls of one kind. */
export interface Timing {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Pages (50 messages) over REST, sends over the socket; each kind for a third of the time. */
export async function readHistory(params: History): Promise<HistoryResult> {
  const { target, conversationId, user, messages, seconds } = params
  const rest = new ParleyRest(target.url)
  const path = `/v1/conversations/${conversationId}/messages`
  const middle = Math.max(60, Math.floor(messages / 2))
  const share = (seconds * 1000) / 3
  return {
    newest: await timed(share, () => rest.call(user, 'GET', `${path}?limit=50`)),
    middle: await timed(share, count => rest.call(user, 'GET', `${path}?limit=50&before=${middle + (count % 100)}`)),
    send: await sendRepeatedly(share, params)
  }
}

async function sendRepeatedly(durationMs: number, { target, conversationId, user }: History): Promise<Timing> {
  const wire = new ParleyWire(target)
  const socket = await wire.connect(user)
  const conversation = { id: conversationId, members: [user] }
  const base = Date.now()
  const timing = await timed(durationMs, async count => {
    const n = base + count
    const answered = socket.awaitFrame(text => text.startsWith(`{"v":1,"id":"${n}"`))
    socket.send(wire.sendFrame(conversation, user, n))
    const answer = await answered
    if (!answer.includes('"ok":true')) throw new Error(`A send was refused: ${answer}`)
  })
  socket.close()
  return timing
}

/** Calls again and again for so long; the beginning does not count. */
export async function timed(durationMs: number, call: (count: number) => Promise<unknown>): Promise<Timing> {
  const histogram = new Histogram()
  const startedAt = performance.now()
  for (let count = 0; performance.now() - startedAt < durationMs; count++) {
    const calledAt = performance.now()
    await call(count)
    if (calledAt - startedAt > durationMs * WARM_UP_SHARE) histogram.add(performance.now() - calledAt)
  }
  return { p50Ms: histogram.percentile(0.5), p99Ms: histogram.percentile(0.99) }
}
