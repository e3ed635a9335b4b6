import { EventSource } from 'eventsource'
import type { Test } from 'tap'
import { PacketClient, type PacketOptions } from '../kit/packet-client.ts'
import { SyncClient } from '../kit/sync-client/client.ts'
import type { ServerProcess, Somebody } from './rig.ts'

/** A client as people have it, which comes back as it does by itself. */
export interface Listener {
  readonly name: string
  /** Texts of the messages that have come, and how often they came. */
  readonly came: () => ReadonlyMap<string, number>
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
  const messages = () => Object.values(client.store.conversations[conversationId]?.messages ?? {})
  return {
    name: '/ws',
    came: () => new Map(messages().flatMap(({ text = '' }) => (text === '' ? [] : [[text, 1]]))),
    isConnected: () => client.isConnected
  }
}

/** A client of socket.io, at its own pace. */
const packets =
  (name: string, event: string, optionsOf: (token: string) => PacketOptions): Open =>
  async ({ t, server, who }) => {
    const client = await PacketClient.open(t, server.url, { ...optionsOf(who.token), hasOwnPace: true })
    const came = new Map<string, number>()
    client.onEvent = it => {
      if (it.name === event) note(came, it.data)
    }
    return { name, came: () => came, isConnected: () => client.socket.connected }
  }

/** A browser's EventSource. @param credentialOf query of its address, which stays the same */
const stream =
  (path: string, kind: string, credentialOf: (place: Place) => Promise<string>): Open =>
  async place => {
    const source = new EventSource(`${place.server.url}${path}?${await credentialOf(place)}`)
    place.t.teardown(() => source.close())
    const came = new Map<string, number>()
    source.addEventListener('message:new', ({ data }) => note(came, JSON.parse(data)))
    await new Promise(resolve => source.addEventListener('ready', resolve, { once: true }))
    const isConnected = () => source.readyState === source.OPEN
    return { name: `${path} by ${kind}`, came: () => came, isConnected }
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

/** Counts a message by its text, whatever the words of its app. */
function note(came: Map<string, number>, data: unknown): void {
  const text = /"(m\d+|mlast)"/.exec(JSON.stringify(data))?.[1]
  if (text !== undefined) came.set(text, (came.get(text) ?? 0) + 1)
}
