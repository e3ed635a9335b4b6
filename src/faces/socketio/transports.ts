import type { Server, Socket } from 'socket.io'

type Transport = Socket['conn']

interface Use {
  /** Namespaces that the transport is in now. */
  count: number
  /** Since when the count is what it is, by `performance.now()`. */
  since: number
  hasNamedNamespace: boolean
}

/** The open transports of socket.io clients, and how many namespaces each is in: one that is in none is closed. */
export class Transports {
  readonly #uses = new Map<Transport, Use>()

  /** @param closeTimeoutMs time that a polling client gets to come for its close, during which the process stays up */
  constructor(engine: Server['engine'], closeTimeoutMs: number) {
    engine.on('connection', (transport: Transport) => {
      Object.assign(transport.transport, { closeTimeout: closeTimeoutMs })
      this.#uses.set(transport, { count: 0, since: performance.now(), hasNamedNamespace: false })
      transport.once('close', () => this.#uses.delete(transport))
    })
  }

  enter(transport: Transport): void {
    this.#change(transport, 1)
  }

  leave(transport: Transport): void {
    this.#change(transport, -1)
  }

  /** Record that the client of a transport has named a namespace. */
  nameNamespace(transport: Transport): void {
    const use = this.#uses.get(transport)
    if (use !== undefined) use.hasNamedNamespace = true
  }

  hasNamedNamespace(transport: Transport): boolean {
    return this.#uses.get(transport)?.hasNamedNamespace === true
  }

  /** Closes transports that have been in no namespace for this long, ms. */
  closeUnused(afterMs: number): void {
    const now = performance.now()
    for (const [transport, { count, since }] of this.#uses) {
      if (count === 0 && now - since > afterMs) transport.close()
    }
  }

  #change(transport: Transport, by: 1 | -1): void {
    const use = this.#uses.get(transport)
    if (use === undefined) return
    use.count += by
    use.since = performance.now()
  }
}
