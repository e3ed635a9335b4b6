import { createRequire } from 'node:module'
import { io, type Socket } from 'socket.io-client'
import type { Test } from 'tap'
import { eventProblem } from './dialect-events.ts'

/** Event that a socket.io client has received: the name of the event and what came with it. */
export interface Heard {
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of every shape
  readonly data: any
}

/** Options of an unmodified client. */
export interface PacketOptions {
  /** The client's version: 4 by default. */
  readonly version?: 2 | 4
  /** `/` by default. */
  readonly namespace?: string
  readonly transports?: readonly string[]
  /** As it is, or asked for at each connection. */
  readonly auth?: Record<string, string> | ((give: (auth: Record<string, string>) => void) => void)
  readonly query?: Record<string, string>
  readonly extraHeaders?: Record<string, string>
  /** Comes back as the client does by itself; otherwise sooner, so that tests are quick. */
  readonly hasOwnPace?: boolean
}

const require = createRequire(import.meta.url)
// Has no types; its socket has the same methods.
const io2 = require('socket.io-client-2') as typeof io

/** An unmodified socket.io client that keeps everything it hears. Frames are awaited, not time. */
export class PacketClient {
  readonly socket: Socket
  readonly heard: Heard[] = []
  /** Called with each event as it comes. */
  onEvent: (event: Heard) => void = () => undefined
  #waiting: (() => void)[] = []

  private constructor(socket: Socket, check: (name: string, data: unknown) => void) {
    this.socket = socket
    const take = (name: string, data: unknown): void => {
      check(name, data)
      this.heard.push({ name, data })
      this.onEvent({ name, data })
      for (const wake of this.#waiting.splice(0)) wake()
    }
    // Version 2 has no `onAny`; what every event passes through is called the same in both.
    const emitter = socket as unknown as { onevent: (packet: { data: [string, unknown] }) => void }
    const original = emitter.onevent
    emitter.onevent = function (packet) {
      take(packet.data[0], packet.data[1])
      original.call(this, packet)
    }
  }

  /** Connects; it ends with the test. @throws what the server refuses with */
  static async open(t: Test, url: string, options: PacketOptions = {}): Promise<PacketClient> {
    const client = PacketClient.start(t, url, options)
    await new Promise<void>((resolve, reject) => {
      client.socket.once('connect', resolve)
      client.socket.once('connect_error', reject)
      if (options.version === 2) client.socket.once('error', reject)
    })
    return client
  }

  /** Begins to connect. */
  static start(
    t: Test,
    url: string,
    { version = 4, namespace = '', hasOwnPace, ...options }: PacketOptions = {}
  ): PacketClient {
    const open = version === 2 ? io2 : io
    const socket = open(url + namespace, {
      forceNew: true,
      ...(!hasOwnPace && { reconnectionDelay: 50 }),
      ...options
    } as never)
    t.teardown(() => void socket.close())
    return new PacketClient(socket, (name, data) => {
      const problem = eventProblem({ namespace, ...options }, name, data)
      if (problem !== undefined) t.fail(problem)
    })
  }

  /** Says something and resolves with its acknowledgement. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  async ask(name: string, data: unknown): Promise<any> {
    return await new Promise(resolve => this.socket.emit(name, data, resolve))
  }

  /** The first event of this name, heard already or still to come, that fits. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of every shape
  async hear(name: string, fits: (data: any) => boolean = () => true): Promise<any> {
    for (;;) {
      const found = this.heard.find(it => it.name === name && fits(it.data))
      if (found !== undefined) return found.data
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }
}
