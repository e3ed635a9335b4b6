import { EventSource } from 'eventsource'
import type { Test } from 'tap'
import { PacketClient, type PacketOptions } from '../kit/packet-client.ts'
import { SyncClient } from '../kit/sync-client/client.ts'
import type { ServerProcess, Somebody } from './rig.ts'

/** A client as people have it, which comes back as it does by itself. */
export interface Listener {
  readonly name: string
  /** Texts of the messages that have come. */
  readonly came: () => ReadonlySet<string>
  /**
   * Texts of those that no app can take for one: that came under two ids, or twice on one connection. On another one
   * comes again, under its id, what could not be proved to have arrived.
   */
  readonly doubled: () => readonly string[]
  readonly isConnected: () => boolean
}

interface Place {
  readonly t: Test
  readonly server: ServerProcess
  readonly who: Somebody
  readonly conversationId: string
}

type Open = (place: Place) => Promise<Listener>

/** A client that follows the advice of the protocol. */
const sync: Open = async ({ t, server, who, conversationId }) => {
  const client = await SyncClient.open(server.url, who.token, { isStaying: true })
  t.teardown(() => client.close())
  // The store has one for each id.
  const messages = () => Object.values(client.store.conversations[conversationId]?.messages ?? {})
  const texts = () => messages().flatMap(({ text = '' }) => (text === '' ? [] : [text]))
  return {
    name: '/ws',
    came: () => new Set(texts()),
    doubled: () => texts().filter((text, index, all) => all.indexOf(text) < index),
    isConnected: () => client.isConnected
  }
}

/** A client of socket.io, at its own pace. */
const packets =
  (name: string, event: string, optionsOf: (token: string) => PacketOptions): Open =>
  async ({ t, server, who }) => {
    const client = await PacketClient.open(t, server.url, { ...optionsOf(who.token), hasOwnPace: true })
    const tally = new Tally()
    client.socket.on('disconnect', () => tally.reconnect())
    client.onEvent = it => {
      if (it.name === event) tally.note(it.data)
    }
    return { name, ...tally.told, isConnected: () => client.socket.connected }
  }

/** A browser's EventSource. @param credentialOf query of its address, which stays the same */
const stream =
  (path: string, kind: string, credentialOf: (place: Place) => Promise<string>): Open =>
  async place => {
    const source = new EventSource(`${place.server.url}${path}?${await credentialOf(place)}`)
    place.t.teardown(() => source.close())
    const tally = new Tally()
    source.addEventListener('open', () => tally.reconnect())
    source.addEventListener('message:new', ({ data }) => tally.note(JSON.parse(data)))
    await new Promise(resolve => source.addEventListener('ready', resolve, { once: true }))
    const isConnected = () => source.readyState === source.OPEN
    return { name: `${path} by ${kind}`, ...tally.told, isConnected }
  }

const byToken = async ({ who }: Place): Promise<string> => `token=${who.token}`
const byTicket = async ({ server, who }: Place): Promise<string> =>
  `ticket=${(await server.call(who, 'POST', '/auth/tickets')).ticket}`

/** All kinds of clients. */
export const KINDS: readonly Open[] = [
  sync,
  packets('socket.io 4 /mobile', 'message:new', token => ({ namespace: '/mobile', auth: { token } })),
  packets('socket.io 4', 'receive-message', token => ({ auth: { token } })),
  packets('socket.io 4 by polling', 'receive-message', token => ({ auth: { token }, transports: ['polling'] })),
  packets('socket.io 4 /app', 'message:new', token => ({
    ...{ namespace: '/app', auth: { token }, transports: ['websocket'] }
  })),
  packets('socket.io 2 /mobile', 'message:new', token => ({ version: 2, namespace: '/mobile', query: { token } })),
  stream('/v1/events', 'token', byToken),
  stream('/v1/events', 'ticket', byTicket),
  stream('/api/sse', 'token', byToken),
  stream('/api/sse', 'ticket', byTicket)
]

/** Messages that have come to a client, whatever the words of its app. */
class Tally {
  readonly #ids = new Map<string, string>()
  readonly #doubled: string[] = []
  /** Of this connection. */
  #new = new Set<string>()

  get told(): Pick<Listener, 'came' | 'doubled'> {
    return { came: () => new Set(this.#ids.keys()), doubled: () => this.#doubled }
  }

  reconnect(): void {
    this.#new = new Set()
  }

  note(data: unknown): void {
    const told = JSON.stringify(data)
    const text = /"(m\d+|mlast)"/.exec(told)?.[1]
    const id = /"(?:_id|id|messageId)":"(?:msg_)?([0-9a-f]{24})"/.exec(told)?.[1]
    if (text === undefined || id === undefined) return
    if (this.#new.has(text) || (this.#ids.get(text) ?? id) !== id) this.#doubled.push(text)
    this.#new.add(text)
    this.#ids.set(text, id)
  }
}
