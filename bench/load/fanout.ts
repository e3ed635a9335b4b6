import { setTimeout as sleep } from 'node:timers/promises'
import { openCrowd } from './crowd.ts'
import { uploadPicture } from './pictures.ts'
import { type Cost, Window } from './window.ts'
import type { Target } from './wire.ts'

/** After joins and connections have settled, ms. */
const SETTLE_MS = 1_500
const WARM_UP_MS = 1_000
const TICK_MS = 2

/** Load of one person who sends to a conversation with this many other members. */
export interface Fanout {
  readonly target: Target
  readonly members: number
  /** Messages per second; 0: the next one leaves when the last one has reached everybody. */
  readonly rate: number
  /** With a rate: messages under way at a time at most, so that no side queues without end. */
  readonly maxUnderWay: number
  readonly seconds: number
  /** Whether each message has a picture; Parley alone takes one. */
  readonly hasPicture?: boolean
}

/** Result of the load. */
export interface FanoutResult extends Cost {
  /** Frames that reached a member. */
  readonly deliveries: number
  /** Messages that reached every member. */
  readonly completed: number
  /** Mean size of a delivered frame's payload. */
  readonly frameBytes: number
}

/** Sends to one large conversation and counts what arrives. */
export async function fanOut({
  target,
  members,
  rate,
  maxUnderWay,
  seconds,
  hasPicture
}: Fanout): Promise<FanoutResult> {
  const crowd = await openCrowd(target, members + 1, members + 1)
  const { wire, places } = crowd
  const [sender, ...receivers] = places
  if (sender === undefined) throw new Error('Nobody is there to send')
  const reached: number[] = [0]
  let deliveries = 0
  let bytesSeen = 0
  let completed = 0
  let onCompleted: (() => void) | undefined
  const dress = hasPicture ? withPicture(await uploadPicture(target, sender.user, 0)) : (frame: string) => frame
  const send = () => sender.socket.send(dress(wire.sendFrame(sender.conversation, sender.user, reached.push(0) - 1)))
  for (const { socket } of receivers) {
    socket.onClose = code => process.stderr.write(`The server closed a connection with ${code}\n`)
    socket.onFrame = (bytes, start, end) => {
      if (wire.kindOf(bytes, start, end) !== 'message') return
      const n = wire.numberOf('message', bytes, start, end)
      deliveries++
      bytesSeen += end - start
      const count = (reached[n] ?? 0) + 1
      reached[n] = count
      if (count !== members) return
      completed++
      onCompleted?.()
    }
  }
  await sleep(SETTLE_MS)
  if (rate === 0) {
    onCompleted = send
    send()
  }
  const mayLeave = () => reached.length - 1 - completed < maxUnderWay
  const pacer = rate === 0 ? undefined : setInterval(pace(rate, mayLeave, send), TICK_MS)
  await sleep(WARM_UP_MS)
  const before = { deliveries, bytesSeen, completed }
  const window = new Window(target)
  await sleep(seconds * 1000)
  const cost = window.cost()
  const after = { deliveries: deliveries - before.deliveries, completed: completed - before.completed }
  const frameBytes = Math.round((bytesSeen - before.bytesSeen) / after.deliveries)
  clearInterval(pacer)
  onCompleted = undefined
  await crowd.close()
  return { ...cost, ...after, frameBytes }
}

/** @returns what makes a frame of Parley that sends a text one that sends a picture with this text */
function withPicture(url: string): (frame: string) => string {
  const picture = `"type":"image","attachments":[${JSON.stringify({ type: 'image', url })}],"text":`
  return frame => frame.replace('"text":', () => picture)
}

/** Calls `send` at `rate` per second in the mean, as long as it may; what it may not is left out, not made up for. */
function pace(rate: number, maySend: () => boolean, send: () => void): () => void {
  const startedAt = performance.now()
  let due = 0
  return () => {
    for (; due < ((performance.now() - startedAt) * rate) / 1000; due++) {
      if (maySend()) send()
    }
  }
}
