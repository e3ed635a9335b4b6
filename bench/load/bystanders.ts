import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Histogram } from '../stats.ts'
import type { BenchUser } from '../users.ts'
import type { LightSocket } from './light-socket.ts'
import { ParleyWire } from './parley-wire.ts'
import type { BenchConversation, Target } from './wire.ts'

/** People who talk, two and two, as fast as the limits let them, until the load's process is told to stop. */
export interface Bystanders {
  readonly target: Target
  readonly conversations: readonly BenchConversation[]
  /** Pause of each sender between an answer and the next send. */
  readonly pauseMs: number
  /** Sends before this time (ms since 1970) warm up and do not count. */
  readonly countFrom: number
}

/** Outcome of their sends. */
export interface BystandersResult {
  readonly sends: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Sends that were not granted. */
  readonly refused: number
  /** Connections that the server closed. */
  readonly closed: number
}

/** Sends in every conversation; all members are connected. */
export async function watchBystanders(params: Bystanders): Promise<BystandersResult> {
  const stopped = new AbortController()
  void once(process, 'message').then(() => stopped.abort())
  const crowd = new Crowd(params, stopped.signal)
  await Promise.all(params.conversations.map(async conversation => await crowd.talk(conversation)))
  return crowd.leave()
}

class Crowd {
  readonly #params: Bystanders
  readonly #signal: AbortSignal
  readonly #wire: ParleyWire
  readonly #histogram = new Histogram()
  readonly #sockets: LightSocket[] = []
  #refused = 0
  #closed = 0
  #number = Date.now()

  constructor(params: Bystanders, signal: AbortSignal) {
    this.#params = params
    this.#signal = signal
    this.#wire = new ParleyWire(params.target)
  }

  async talk(conversation: BenchConversation): Promise<void> {
    const [sender, ...others] = conversation.members
    if (sender === undefined) return
    for (const other of others) {
      const listener = await this.#connect(other)
      listener.onClose = () => (this.#closed += 1)
    }
    const socket = await this.#connect(sender)
    while (!this.#signal.aborted) {
      try {
        await this.#send(socket, conversation, sender)
      } catch {
        this.#closed += 1
        return
      }
      await sleep(this.#params.pauseMs)
    }
  }

  leave(): BystandersResult {
    for (const socket of this.#sockets) {
      socket.onClose = undefined
      socket.close()
    }
    return {
      sends: this.#histogram.count,
      p50Ms: this.#histogram.percentile(0.5),
      p99Ms: this.#histogram.percentile(0.99),
      refused: this.#refused,
      closed: this.#closed
    }
  }

  async #connect(user: BenchUser): Promise<LightSocket> {
    const socket = await this.#wire.connect(user)
    this.#sockets.push(socket)
    return socket
  }

  async #send(socket: LightSocket, conversation: BenchConversation, sender: BenchUser): Promise<void> {
    const n = ++this.#number
    const isCounted = Date.now() >= this.#params.countFrom
    const sentAt = performance.now()
    const answered = socket.awaitFrame(text => text.startsWith(`{"v":1,"id":"${n}"`))
    socket.send(this.#wire.sendFrame(conversation, sender, n))
    if (!(await answered).includes('"ok":true')) this.#refused += 1
    else if (isCounted) this.#histogram.add(performance.now() - sentAt)
  }
}
