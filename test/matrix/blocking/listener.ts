import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { openSocket } from '../../dialects/apps/canonical.ts'
import { bare, EventListener, listen } from '../../dialects/apps/line.ts'
import { Recorder } from '../../dialects/apps/tape.ts'
import type { Person, TestServer } from '../../kit/helper.ts'
import type { Heard } from '../../kit/packet-client.ts'

/** Something heard, as text: every id and every word in it can be looked for. */
export const textOf = ({ name, data }: Heard): string => `${name} ${JSON.stringify(data)}`

/** A listener that can be asked for anything, whatever its app calls it. */
export class FaceListener extends EventListener {
  /** Face that it belongs to: `canonical`, a dialect, or a stream of one. */
  readonly face: string
  #waiting: (() => void)[] = []

  constructor(face: string) {
    super()
    this.face = face
  }

  override take(name: string, data: unknown): void {
    super.take(name, data)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Resolves when something of this kind was heard. */
  async until(fits: (text: string, name: string) => boolean): Promise<void> {
    while (!this.heard.some(it => fits(textOf(it), it.name))) {
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  /** Take what was received since the last call. */
  empty(): Heard[] {
    return this.heard.splice(0)
  }
}

interface ListenerDeps {
  readonly t: Test
  readonly server: TestServer
  readonly person: Person
  /** Talks to the person; what they say is known to come after everything before it. */
  readonly herald: Person
  /** The dialects whose sockets the person listens on, besides Parley’s own. */
  readonly dialects: readonly string[]
  /** Ids of the herald’s conversations: this one’s is added. */
  readonly places: Set<string>
  /** Person whose presence is asked for where it is not sent unasked. */
  readonly watched: Person
}

/** Listener on several sockets and streams at once. */
export class Listener {
  readonly person: Person
  readonly listeners: readonly FaceListener[]
  readonly #deps: ListenerDeps
  readonly #place: string
  #count = 0

  private constructor(parts: ListenerDeps, listeners: readonly FaceListener[], place: string) {
    this.person = parts.person
    this.listeners = listeners
    this.#deps = parts
    this.#place = place
  }

  static async open(parts: ListenerDeps): Promise<Listener> {
    const { t, server, person, herald, dialects, watched } = parts
    const place = await server.direct(herald, person)
    parts.places.add(bare(place))
    const guest = { t, server, person, label: '', recorder: new Recorder() }
    const onSocket = async (face: string, path: string) => {
      const faceListener = new FaceListener(face)
      const socket = await openSocket(guest, path, faceListener)
      await socket.ask('hello', { token: person.token, cursors: {} })
      if (face === 'canonical') await socket.ask('presence:subscribe', { userIds: [watched.id] })
      return faceListener
    }
    const onStream = async (face: string, path: string) =>
      (await listen(guest, path, new FaceListener(face))) as FaceListener
    const listeners = await Promise.all([
      onSocket('canonical', '/ws'),
      ...dialects.map(async name => await onSocket(name, `/ws?dialect=${name}`)),
      ...(dialects.includes('chatapp') ? [onStream('chatapp', '/api/sse')] : [])
    ])
    return new Listener(parts, listeners, place)
  }

  /** The one that hears in Parley’s own words. */
  get canonical(): FaceListener {
    return this.listeners.find(({ face }) => face === 'canonical') as FaceListener
  }

  /** Wait for, and take, the events received until now on all sockets, but those of the herald. */
  async settle(): Promise<string[]> {
    const { server, herald } = this.#deps
    this.#count += 1
    const text = `Now number ${this.#count}.`
    const message = { clientId: randomUUID(), text }
    await server.call(herald, 'POST', `/v1/conversations/${this.#place}/messages`, message)
    await Promise.all(this.listeners.map(async faceListener => await faceListener.until(heard => heard.includes(text))))
    return this.listeners.flatMap(faceListener =>
      faceListener
        .empty()
        .map(textOf)
        .filter(heard => this.#isOfOthers(heard))
        .map(heard => `${faceListener.face}: ${heard}`)
    )
  }

  /** Forgets what was heard. */
  empty(): void {
    for (const faceListener of this.listeners) faceListener.empty()
  }

  /** Neither from the herald, nor what the person did themselves: that is heard when it may. */
  #isOfOthers(heard: string): boolean {
    const { herald, watched, person } = this.#deps
    if (heard.includes(herald.hex) || heard.includes(bare(this.#place))) return false
    return !heard.includes(person.hex) || heard.includes(watched.hex)
  }
}
