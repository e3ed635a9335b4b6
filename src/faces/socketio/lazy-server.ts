import type { Server as HttpServer, IncomingMessage, RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'
import { SOCKET_IO_PATH } from './path.ts'
import type { SocketIoDeps, SocketIoServer } from './server.ts'

/** The socket.io face, loaded with its first client: most of its memory is that of the library. */
export class LazySocketIoServer {
  readonly #http: HttpServer
  readonly #deps: SocketIoDeps
  #loading: Promise<SocketIoServer> | undefined
  #loaded: SocketIoServer | undefined

  /** Attach: from here on the HTTP server's requests for this face do not reach earlier listeners. */
  constructor(http: HttpServer, deps: SocketIoDeps) {
    this.#http = http
    this.#deps = deps
    const others = http.listeners('request') as RequestListener[]
    http.removeAllListeners('request')
    http.on('request', (request, response) => {
      if (this.#loaded === undefined && isMeant(request))
        void this.#again(['request', request, response], () => response.writeHead(503).end())
      else for (const listener of others) listener.call(http, request, response)
    })
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (this.#loaded === undefined && isMeant(request)) this.#upgrade(request, socket, head)
    })
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

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Nobody else listens to the socket yet, and an error that nobody takes would end the process.
    socket.on('error', () => socket.destroy())
    void this.#again(['upgrade', request, socket, head], () => socket.destroy())
  }

  /** Repeats an event that came before there was a server for it. */
  async #again(event: [name: string, ...args: unknown[]], refuse: () => void): Promise<void> {
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
      const server = new SocketIoServer(this.#http, this.#deps)
      this.#loaded = server
      return server
    })
    return await this.#loading
  }
}

function isMeant({ url }: IncomingMessage): boolean {
  return url?.startsWith(SOCKET_IO_PATH) === true
}
