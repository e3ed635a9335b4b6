import { WebSocket } from 'ws'

/** A frame from the server, whatever it is. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into frames of every shape
export type Frame = any

/** A socket that keeps every frame until somebody asks for it, so that none is missed and nothing sleeps. */
export class SocketClient {
  readonly ws: WebSocket
  readonly frames: Frame[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  #waiting: { matches: (frame: Frame) => boolean; resolve: (frame: Frame) => void }[] = []
  #nextId = 0

  private constructor(ws: WebSocket) {
    this.ws = ws
    ws.on('error', () => undefined)
    ws.on('message', data => this.#receive(JSON.parse(String(data))))
    this.closed = new Promise(resolve => {
      ws.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
    })
  }

  static async open(
    url: string,
    headers: Record<string, string> = {},
    protocols: readonly string[] = []
  ): Promise<SocketClient> {
    const ws = new WebSocket(url, [...protocols], { headers })
    const client = new SocketClient(ws)
    await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject))
    return client
  }

  /** Sends a command without waiting. @returns its id */
  say(type: string, data: unknown = {}, id = `c${this.#nextId++}`): string {
    this.ws.send(JSON.stringify({ v: 1, id, type, data }))
    return id
  }

  /** Sends a command and answers its reply's data. @throws {Refusal} */
  async ask(type: string, data: unknown = {}): Promise<Frame> {
    const id = this.say(type, data)
    const reply = await this.next(frame => frame.id === id)
    if (!reply.ok) throw new Refusal(reply.error)
    return reply.data
  }

  /** Sends a command that must be refused. @returns the error */
  async refused(type: string, data: unknown = {}): Promise<Frame> {
    const id = this.say(type, data)
    return (await this.next(frame => frame.id === id)).error
  }

  /** The first frame that matches, of those that came already or of those to come; each is given out once. */
  async next(matches: ((frame: Frame) => boolean) | string): Promise<Frame> {
    const test =
      typeof matches === 'string' ? (frame: Frame) => frame.type === matches && frame.id === undefined : matches
    const index = this.frames.findIndex(test)
    if (index >= 0) return this.frames.splice(index, 1)[0]
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ matches: test, resolve })
      void this.closed.then(({ code, reason }) => reject(new Error(`Closed while waiting: ${code} ${reason}`)))
    })
  }

  terminate(): void {
    this.ws.terminate()
  }

  #receive(frame: Frame): void {
    const index = this.#waiting.findIndex(({ matches }) => matches(frame))
    if (index < 0) this.frames.push(frame)
    else this.#waiting.splice(index, 1)[0]?.resolve(frame)
  }
}

/** A command that was refused. */
export class Refusal extends Error {
  readonly error: Frame

  constructor(error: Frame) {
    super(`${error.code}: ${error.message}`)
    this.error = error
  }
}
