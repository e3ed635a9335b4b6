import type { Connection, OutboundEvent, Voice } from './connection.ts'

/** Who is told of one event, by how they are told. */
export class Audience {
  /** Those of one event who are given at once. */
  static of(connections: Iterable<Connection>): Audience {
    const audience = new Audience()
    for (const connection of connections) audience.add(connection)
    return audience
  }

  #only: { voice: Voice; connections: Connection[] } | undefined
  #others: Map<Voice, Connection[]> | undefined

  add(connection: Connection): void {
    const { voice } = connection
    this.#only ??= { voice, connections: [] }
    if (this.#only.voice === voice) {
      this.#only.connections.push(connection)
      return
    }
    this.#others ??= new Map()
    const known = this.#others.get(voice)
    if (known === undefined) this.#others.set(voice, [connection])
    else known.push(connection)
  }

  tell(outbound: OutboundEvent): void {
    if (this.#only !== undefined) this.#only.voice.tell(outbound, this.#only.connections)
    for (const [voice, connections] of this.#others ?? []) voice.tell(outbound, connections)
  }
}
