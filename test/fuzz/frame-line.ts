import { WebSocket } from 'ws'

/** A frame from the server, as far as every one has it. */
export interface Frame {
  readonly id?: unknown
  readonly type?: unknown
  readonly ok?: unknown
}

/** What became of something that was said. */
export type Outcome =
  | { readonly kind: 'reply'; readonly frame: Frame }
  | { readonly kind: 'closed'; readonly code: number }
  | { readonly kind: 'silence' }

const PATIENCE_MS = 15_000

/** A socket that hands every frame on, and knows which replies there were. */
export class FrameLine {
  readonly #ws: WebSocket
  readonly #replies = new Map<unknown, number>()
  readonly #waiting = new Map<string, (outcome: Outcome) => void>()
  readonly #closed: Promise<Outcome>
  #count = 0

  private constructor(ws: WebSocket, hear: (text: string) => void) {
    this.#ws = ws
    ws.on('error', () => undefined)
    ws.on('message', data => {
      hear(String(data))
      this.#take(String(data))
    })
    this.#closed = new Promise(resolve => ws.on('close', code => resolve({ kind: 'closed', code })))
  }

  /** @param hear is given every frame, as text */
  static async open(url: string, hear: (text: string) => void): Promise<FrameLine> {
    const ws = new WebSocket(url)
    const line = new FrameLine(ws, hear)
    await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject))
    return line
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN
  }

  /** Ids that were answered more than once. */
  get answeredTwice(): unknown[] {
    return [...this.#replies].filter(([, count]) => count > 1).map(([id]) => id)
  }

  /** Says a command, and waits for its reply or the end. */
  async ask(type: string, data: unknown): Promise<Outcome> {
    this.#count += 1
    const id = `c${this.#count}`
    return await this.await(id, JSON.stringify({ v: 1, id, type, data }))
  }

  /** Sends a text, and waits for the reply with this id or the end. */
  async await(id: string, text: string): Promise<Outcome> {
    const reply = new Promise<Outcome>(resolve => this.#waiting.set(id, resolve))
    this.#ws.send(text)
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<Outcome>(resolve => {
      timer = setTimeout(() => resolve({ kind: 'silence' }), PATIENCE_MS)
    })
    const outcome = await Promise.race([reply, this.#closed, silence])
    clearTimeout(timer)
    return outcome
  }

  say(text: string | Buffer): void {
    this.#ws.send(text)
  }

  close(): void {
    this.#ws.terminate()
  }

  #take(text: string): void {
    const frame: Frame = JSON.parse(text)
    if (!('ok' in frame)) return
    if (frame.id !== undefined) this.#replies.set(frame.id, (this.#replies.get(frame.id) ?? 0) + 1)
    this.#waiting.get(String(frame.id))?.({ kind: 'reply', frame })
    this.#waiting.delete(String(frame.id))
  }
}
