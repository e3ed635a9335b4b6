import { setTimeout as sleep } from 'node:timers/promises'
import { Histogram } from '../stats.ts'
import type { Crowd, Place } from './crowd.ts'
import type { OrderFaults, OrderWatch } from './order-watch.ts'
import { type Cost, Window } from './window.ts'
import type { Target } from './wire.ts'

/** Time that messages under way may take to arrive after the last send, ms. */
const DRAIN_MS = 5_000

/** Result of the messages of one measurement. */
export interface TrafficResult extends Cost, OrderFaults {
  /** Messages acknowledged while it was measured. */
  readonly acked: number
  /** Messages delivered while it was measured: each recipient's share of a message counts as a fraction. */
  readonly delivered: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
  readonly deliveredP50Ms: number
  readonly deliveredP99Ms: number
  /** Sends that the server refused. */
  readonly refused: number
  /** Sends without an answer, and deliveries that did not come, five seconds after the end. */
  readonly unanswered: number
  readonly undelivered: number
}

/** Sends marked messages through a crowd and times their acknowledgements and deliveries. */
export class Traffic {
  /** Called when a sender's message was acknowledged or refused; a closed loop sends the next one here. */
  onAnswer: ((sender: number) => void) | undefined

  readonly #target: Target
  readonly #crowd: Crowd
  readonly #watch: OrderWatch | undefined
  readonly #dueAt: number[] = [0]
  readonly #senderOf: number[] = [-1]
  readonly #ack = new Histogram()
  readonly #delivery = new Histogram()
  #window: Window | undefined
  #cost: Cost | undefined
  #acked = 0
  #delivered = 0
  #answers = 0
  #deliveries = 0
  #refused = 0
  #expectedDeliveries = 0

  constructor(target: Target, crowd: Crowd, watch?: OrderWatch) {
    this.#target = target
    this.#crowd = crowd
    this.#watch = watch
    for (const [index, { socket }] of crowd.places.entries()) this.#listen(index, socket)
  }

  /** Messages sent that have no answer yet. */
  get outstanding(): number {
    return this.#dueAt.length - 1 - this.#answers
  }

  /** Sends that were refused so far. */
  get refused(): number {
    return this.#refused
  }

  /** Sends one message. @param dueAt when it should have left; what is late counts from there */
  send(sender: number, dueAt = performance.now()): void {
    const place = this.#crowd.places[sender]
    if (place === undefined) throw new Error('There is no such sender')
    const n = this.#dueAt.push(dueAt) - 1
    this.#senderOf.push(sender)
    this.#expectedDeliveries += place.conversation.members.length - 1
    place.socket.send(this.#crowd.wire.sendFrame(place.conversation, place.user, n))
  }

  /** From now on it counts. */
  startWindow(): void {
    this.#window = new Window(this.#target)
  }

  /** From now on nothing new counts, but what was due within the window still does. */
  endWindow(): void {
    this.#cost = this.#window?.cost()
  }

  /** Waits for what is under way, five seconds at most. */
  async drain(): Promise<void> {
    const deadline = performance.now() + DRAIN_MS
    const isDone = () => this.outstanding === 0 && this.#deliveries >= this.#expectedDeliveries
    while (!isDone() && performance.now() < deadline) await sleep(20)
    for (let missing = this.outstanding; missing > 0; missing--) this.#ack.add(Number.POSITIVE_INFINITY)
  }

  result(): TrafficResult {
    if (this.#cost === undefined) throw new Error('Nothing was measured')
    const faults = this.#watch?.faults() ?? { overtaken: 0, doubled: 0, disagreeing: 0 }
    return {
      ...this.#cost,
      ...faults,
      acked: this.#acked,
      delivered: this.#delivered,
      ackP50Ms: this.#ack.percentile(0.5),
      ackP99Ms: this.#ack.percentile(0.99),
      deliveredP50Ms: this.#delivery.percentile(0.5),
      deliveredP99Ms: this.#delivery.percentile(0.99),
      refused: this.#refused,
      unanswered: this.outstanding,
      undelivered: Math.max(0, this.#expectedDeliveries - this.#deliveries)
    }
  }

  #listen(index: number, socket: Place['socket']): void {
    const { wire } = this.#crowd
    socket.onClose = code => process.stderr.write(`The server closed a connection with ${code}\n`)
    socket.onFrame = (bytes, start, end) => {
      const kind = wire.kindOf(bytes, start, end)
      if (kind === 'other') return
      const n = wire.numberOf(kind, bytes, start, end)
      if (kind === 'message') this.#gotMessage(n, index)
      else this.#gotAnswer(n, kind === 'ack', bytes.toString('utf8', start, end))
    }
  }

  #gotAnswer(n: number, isAck: boolean, frame: string): void {
    this.#answers++
    if (isAck) {
      if (this.#isMeasuring) this.#acked++
      this.#time(this.#ack, n)
    } else if (this.#refused++ === 0) process.stderr.write(`A send was refused: ${frame}\n`)
    this.onAnswer?.(this.#senderOf[n] ?? -1)
  }

  #gotMessage(n: number, receiver: number): void {
    const sender = this.#senderOf[n] ?? -1
    this.#watch?.note(receiver, sender, n)
    if (sender === receiver) return
    this.#deliveries++
    if (this.#isMeasuring) {
      this.#delivered += 1 / ((this.#crowd.places[receiver]?.conversation.members.length ?? 2) - 1)
    }
    this.#time(this.#delivery, n)
  }

  get #isMeasuring(): boolean {
    return this.#window !== undefined && this.#cost === undefined
  }

  #time(histogram: Histogram, n: number): void {
    const dueAt = this.#dueAt[n] ?? 0
    if (this.#window !== undefined && dueAt >= this.#window.startedAt) histogram.add(performance.now() - dueAt)
  }
}
