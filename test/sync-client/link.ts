import { WebSocket } from 'ws'
import type { Heads } from '../../protocol/sync/entities.ts'
import { type Frame, Refusal } from '../socket-client.ts'

/** A connection that ended before an answer came. */
export class Cut extends Error {}

/** Whether asking again can help: the connection or the server was not there, or not at that moment. */
export function mayRepeat(error: unknown): boolean {
  return (
    error instanceof Cut || error instanceof TypeError || (error instanceof Refusal && error.error.retry === 'later')
  )
}

/** Connection: commands with their answers, and a listener for everything else. */
export class Link {
  readonly opened: Promise<void>
  readonly closed: Promise<void>
  readonly #ws: WebSocket
  readonly #asked = new Map<string, { resolve: (data: Frame) => void; reject: (error: Error) => void }>()
  #nextId = 0

  /** `url`: `http://host:port` of the server. */
  constructor(url: string, onEvent: (frame: Frame) => void) {
    const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`)
    this.#ws = ws
    ws.on('error', () => undefined)
    ws.on('message', data => {
      const frame = JSON.parse(String(data))
      if (frame.id === undefined) onEvent(frame)
      else this.#answer(frame)
    })
    this.closed = new Promise(resolve => {
      ws.on('close', () => {
        for (const { reject } of this.#asked.values()) reject(new Cut('The connection ended'))
        this.#asked.clear()
        resolve()
      })
    })
    this.opened = new Promise((resolve, reject) => {
      ws.once('open', resolve).once('close', () => reject(new Cut('No connection')))
    })
  }

  /** Sends a command, once. @throws {Refusal | Cut} */
  async ask(type: string, data: unknown): Promise<Frame> {
    const id = String(this.#nextId++)
    return await new Promise((resolve, reject) => {
      if (this.#ws.readyState !== WebSocket.OPEN) return reject(new Cut('The connection has ended'))
      this.#asked.set(id, { resolve, reject })
      this.#ws.send(JSON.stringify({ v: 1, id, type, data }))
    })
  }

  /** The heads of a first page and of all that follow it. */
  async allHeads(first: Heads, cursors: Readonly<Record<string, number>>): Promise<Heads['heads']> {
    const heads = [...first.heads]
    for (let page = first; page.more; heads.push(...page.heads)) {
      page = await this.ask('sync:heads', { cursors, after: page.after })
    }
    return heads
  }

  /** Ends the connection without a word. */
  terminate(): void {
    this.#ws.terminate()
  }

  #answer(frame: Frame): void {
    const asked = this.#asked.get(frame.id)
    this.#asked.delete(frame.id)
    if (frame.ok) asked?.resolve(frame.data)
    else asked?.reject(new Refusal(frame.error))
  }
}
