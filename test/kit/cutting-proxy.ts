import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'

/** Network between clients and a server, which can be cut: after any byte that the server sends. */
export class CuttingProxy {
  readonly #server: Server
  readonly #open = new Set<Socket>()
  #port: number
  /** Bytes of the server that still pass; from then on nothing does. */
  #left = Number.POSITIVE_INFINITY
  /** The same for what is opened after each cut. */
  #next: readonly number[] = []
  /** Bytes of the server that have passed. */
  passed = 0

  private constructor(port: number) {
    this.#port = port
    this.#server = createServer(client => this.#pass(client))
  }

  /** Opens on a port of its own; it ends with the test. */
  static async open(t: Test, url: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(portOf(url))
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    t.teardown(() => {
      proxy.cut()
      proxy.#server.close()
    })
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Leads new connections to another server. */
  leadTo(url: string): void {
    this.#port = portOf(url)
  }

  /** Cuts everything that is open now. */
  cut(): void {
    for (const socket of this.#open) socket.destroy()
    const [left = Number.POSITIVE_INFINITY, ...next] = this.#next
    this.#left = left
    this.#next = next
  }

  /** Cuts everything after so many bytes more, what is opened then after so many, and so on. */
  cutAfter(bytes = Number.POSITIVE_INFINITY, ...next: readonly number[]): void {
    this.#left = bytes
    this.#next = next
  }

  #pass(client: Socket): void {
    const server = connect(this.#port, '127.0.0.1')
    for (const [socket, other] of [
      [client, server],
      [server, client]
    ] as const) {
      this.#open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#open.delete(socket)
        other.destroy()
      })
    }
    client.pipe(server)
    server.on('data', chunk => {
      const passing = chunk.subarray(0, this.#left)
      client.write(passing)
      this.passed += passing.length
      this.#left -= chunk.length
      if (this.#left > 0) return
      // What was let through still arrives.
      client.end()
      this.cut()
    })
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}
