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

type Hear = (frame: Frame, isSecond: boolean) => void

/** A socket that hands every frame on, and says which replies were not the first to their command. */
export class FrameLine {
  readonly #ws: WebSocket
  readonly #asked = new Set<unknown>()
  readonly #waiting = new Map<unknown, (outcome: Outcome) => void>()
  readonly #closed: Promise<Outcome>

  private constructor(ws: WebSocket, hear: Hear) {
    this.#ws = ws
    ws.on('error', () => undefined)
    ws.on('message', data => {
      const frame: Frame = JSON.parse(String(data))
      const answered = 'ok' in frame ? this.#waiting.get(frame.id) : undefined
      hear(frame, answered === undefined && this.#asked.has(frame.id))
      if (answered === undefined) return
      this.#waiting.delete(frame.id)
      answered({ kind: 'reply', frame })
    })
    this.#closed = new Promise(resolve => ws.on('close', code => resolve({ kind: 'closed', code })))
  }

  static async open(url: string, hear: Hear): Promise<FrameLine> {
    const ws = new WebSocket(url)
    const line = new FrameLine(ws, hear)
    await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject))
    return line
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN
  }

  /** Says a command, and waits for its reply or the end. */
  async ask(type: string, data: unknown): Promise<Outcome> {
    const id = `${type}.${this.#asked.size}`
    this.#asked.add(id)
    const reply = new Promise<Outcome>(resolve => this.#waiting.set(id, resolve))
    this.say(JSON.stringify({ v: 1, id, type, data }))
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
}
