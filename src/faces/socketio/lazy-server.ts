import { createServer, type Server as HttpServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'
import { SOCKET_IO_PATH } from './path.ts'
import type { SocketIoDeps, SocketIoServer } from './server.ts'

/** The socket.io face, loaded with its first client: most of its memory is that of the library. */
export class LazySocketIoServer {
  readonly #deps: SocketIoDeps
  /** Server that the library listens to: it does not listen itself, and gets only what is meant for this face. */
  readonly #http = createServer()
  #loading: Promise<SocketIoServer> | undefined
  #loaded: SocketIoServer | undefined

  /** Attach: from here on the HTTP server's requests for this face do not reach earlier listeners. */
  constructor(http: HttpServer, deps: SocketIoDeps) {
    this.#deps = deps
    const others = http.listeners('request') as RequestListener[]
    http.removeAllListeners('request')
    http.on('request', (request, response) => {
      if (isMeant(request)) void this.#pass(['request', request, response], () => response.writeHead(503).end())
      else for (const listener of others) listener.call(http, request, response)
    })
  }

  /** Takes an upgrade that is meant for this face. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Nobody else listens to the socket yet, and an error that nobody takes would end the process.
    socket.on('error', () => socket.destroy())
    void this.#pass(['upgrade', request, socket, head], () => socket.destroy())
  }

  /** Transports that are open. */
  get count(): number {
    return this.#loaded?.count ?? 0
  }

  /** Ends the transports, each in its slot, so that clients come back, elsewhere or later. */
  async drain(): Promise<void> {
    const server = await this.#loading
    await server?.drain()
  }

  async #pass(event: [name: string, ...args: unknown[]], refuse: () => void): Promise<void> {
    try {
      await this.#load()
      this.#http.emit(...event)
    } catch (error) {
      this.#deps.onError(error)
      refuse()
    }
  }

  async #load(): Promise<SocketIoServer> {
    this.#loading ??= import('./server.ts').then(({ SocketIoServer }) => {
      this.#loaded = new SocketIoServer(this.#http, this.#deps)
      return this.#loaded
    })
    return await this.#loading
  }
}

function isMeant({ url }: IncomingMessage): boolean {
  return url?.startsWith(SOCKET_IO_PATH) === true
}
