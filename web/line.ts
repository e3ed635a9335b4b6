import type { WireError } from '../protocol/envelope.ts'
import { Refused } from './account.ts'

/** A frame from the server: a reply, a refusal or an event. */
interface Frame {
  readonly id?: string
  readonly type: string
  readonly ok?: boolean
  readonly error?: WireError
  readonly stream?: string
  readonly rev?: number
  readonly data?: unknown
}

/** An event, with its place in a stream where it is durable. */
export type EventFrame = Pick<Frame, 'type' | 'stream' | 'rev' | 'data'>

interface Waiting {
  resolve(data: never): void
  reject(error: Error): void
}

interface Listener {
  onEvent(event: EventFrame): void
  /** @param code of the close */
  onClosed(code: number): void
}

/** One connection over `/ws`: commands with their replies, and events. */
export class Line {
  readonly #socket: WebSocket
  readonly #waiting = new Map<string, Waiting>()
  #sent = 0

  constructor(socket: WebSocket, { onEvent, onClosed }: Listener) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const frame: Frame = JSON.parse(data)
      if (frame.ok === undefined) onEvent(frame)
      else this.#settle(frame)
    })
    socket.addEventListener('close', ({ code }) => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The connection is lost'))
      this.#waiting.clear()
      onClosed(code)
    })
  }

  /** Opens a connection to the server that this page came from. */
  static async open(listener: Listener): Promise<Line> {
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws`)
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true })
      socket.addEventListener('error', () => reject(new Error('The server cannot be reached')), { once: true })
    })
    return new Line(socket, listener)
  }

  /** Sends a command. @returns the data of the reply @throws {Refused} */
  async ask<T>(type: string, data: object): Promise<T> {
    const id = String(++this.#sent)
    return await new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#socket.send(JSON.stringify({ v: 1, id, type, data }))
    })
  }

  /** Sends a command that gets no reply. */
  say(type: string, data: object): void {
    this.#socket.send(JSON.stringify({ v: 1, type, data }))
  }

  close(): void {
    this.#socket.close(1000)
  }

  #settle({ id = '', ok, data, error }: Frame): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (ok) waiting?.resolve(data as never)
    else if (error !== undefined) waiting?.reject(new Refused(error))
  }
}
