import type { Connection, Encoder, OutboundEvent } from '../connection.ts'

/** The connections that one event is for, grouped by encoder. */
export class Recipients {
  /** The recipients of an event that are given at once. */
  static from(connections: Iterable<Connection>): Recipients {
    const recipients = new Recipients()
    for (const connection of connections) recipients.add(connection)
    return recipients
  }

  #only: { encoder: Encoder; connections: Connection[] } | undefined
  #others: Map<Encoder, Connection[]> | undefined

  add(connection: Connection): void {
    const { encoder } = connection
    this.#only ??= { encoder, connections: [] }
    if (this.#only.encoder === encoder) {
      this.#only.connections.push(connection)
      return
    }
    this.#others ??= new Map()
    const known = this.#others.get(encoder)
    if (known === undefined) this.#others.set(encoder, [connection])
    else known.push(connection)
  }

  send(outbound: OutboundEvent): void {
    if (this.#only !== undefined) this.#only.encoder.send(outbound, this.#only.connections)
    for (const [encoder, connections] of this.#others ?? []) encoder.send(outbound, connections)
  }
}
