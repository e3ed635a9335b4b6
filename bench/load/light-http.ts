import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const HEAD_END = '\r\n\r\n'

/** Answer to a request: its status, and the bytes of its body. */
export interface LightAnswer {
  readonly status: number
  readonly bytes: number
}

/**
 * A connection over which one request after the other is made, and that does as little as HTTP allows, so that the load
 * leaves the cores to the servers. It takes answers with a `Content-Length` and nothing else.
 */
export class LightHttp {
  readonly #socket: Socket
  readonly #host: string
  #answered: ((answer: LightAnswer) => void) | undefined
  #failed: ((error: Error) => void) | undefined
  #head = ''
  #status = 0
  #bytes = 0
  #missing = 0

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.on('data', chunk => this.#read(chunk))
    socket.on('error', error => this.#failed?.(error))
    socket.on('close', () => this.#failed?.(new Error('The server closed the connection')))
  }

  /** Connects to `http://…`. */
  static async open(url: string): Promise<LightHttp> {
    const { hostname, port, host } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return new LightHttp(socket, host)
  }

  /** @param token of whom it is who asks; nobody's by default */
  async get(path: string, token?: string): Promise<LightAnswer> {
    const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
    const answer = new Promise<LightAnswer>((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
    })
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${authorization}\r\n`)
    return await answer
  }

  close(): void {
    this.#failed = undefined
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    if (this.#missing > 0) return this.#take(chunk.length)
    this.#head += chunk.toString('latin1')
    const end = this.#head.indexOf(HEAD_END)
    if (end < 0) return
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#head.slice(0, end))?.[1]
    if (length === undefined) return this.#failed?.(new Error(`An answer does not say its length: ${this.#head}`))
    this.#status = Number(this.#head.slice(9, 12))
    this.#bytes = Number(length)
    this.#missing = this.#bytes
    const rest = this.#head.length - end - HEAD_END.length
    this.#head = ''
    this.#take(rest)
  }

  #take(bytes: number): void {
    this.#missing -= bytes
    if (this.#missing > 0) return
    this.#answered?.({ status: this.#status, bytes: this.#bytes })
  }
}
