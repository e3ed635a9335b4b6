import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Collection } from 'mongodb'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import { CuttingProxy } from '../kit/cutting-proxy.ts'
import type { Person, TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { StreamClient, type StreamEvent } from '../kit/stream-client.ts'

/** Event as an app hears it. */
interface Heard {
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: events of several apps
  readonly data: any
}

/** A message as an app shows it. */
export interface Shown {
  readonly id: string
  readonly text: string | undefined
}

/** Kind of app: how its client connects and comes back, through a network that is cut. */
export interface Kind {
  readonly open: (t: Test, proxy: CuttingProxy, person: Person) => Promise<AppClient>
}

/** Client of an app without cursors, which comes back by itself as often as it is cut. */
export interface AppClient {
  /** All that it has heard, in order, over all its connections. */
  readonly heard: readonly Heard[]
  close(): void
}

export const KINDS: Readonly<Record<string, Kind>> = {
  'unified on socket.io': {
    open: async (t, proxy, person) => await openPackets(t, proxy, { auth: { token: person.token } })
  },
  'mobile on socket.io 2': {
    open: async (t, proxy, { token }) =>
      await openPackets(t, proxy, { version: 2, namespace: '/mobile', query: { auth: token } })
  },
  'taatom by polling': {
    open: async (t, proxy, { token }) =>
      await openPackets(t, proxy, { namespace: '/app', auth: { token }, transports: ['polling'] })
  },
  'unified on a raw socket': {
    open: async (_t, proxy, { token }) => {
      const url = `${proxy.url.replace('http', 'ws')}/ws?dialect=unified&token=${token}`
      return comeBack(async heard => {
        const ws = new WebSocket(url)
        ws.on('message', text => {
          const { type, data } = JSON.parse(String(text))
          heard.push({ name: type, data })
        })
        await once(ws, 'close').catch(() => undefined)
      })
    }
  },
  'chatapp’s event stream': {
    open: async (t, proxy, { token }) => {
      let lastEventId = ''
      return comeBack(async heard => {
        const headers = { authorization: `Bearer ${token}`, ...(lastEventId && { 'last-event-id': lastEventId }) }
        const stream = await StreamClient.open(t, `${proxy.url}/api/sse`, headers)
        const take = (it: StreamEvent): void => {
          heard.push(it)
          lastEventId = it.id ?? lastEventId
        }
        for (const it of stream.heard) take(it)
        stream.onEvent = take
        await stream.ended
      })
    }
  }
}

/** Place of an app: its kind, whose it is, and the server that it comes to first. */
export interface Seat {
  readonly kind: string
  readonly person: Person
  readonly url: string
}

/** Opens a client for each seat behind a network of its own, once the server knows it: from then on it hears of every change. */
export async function openApps<S extends Seat>(
  t: Test,
  cursors: Collection,
  seats: readonly S[]
): Promise<(S & { proxy: CuttingProxy; client: AppClient })[]> {
  const before = await cursors.countDocuments()
  const opening = seats.map(async seat => {
    const proxy = await CuttingProxy.open(t, seat.url)
    const client = await KINDS[seat.kind]?.open(t, proxy, seat.person)
    if (client === undefined) throw new Error(`There is no ${seat.kind}`)
    return { ...seat, proxy, client }
  })
  const apps = await Promise.all(opening)
  while ((await cursors.countDocuments()) < before + apps.length) await sleep(5)
  return apps
}

/** Ends the clients and their networks. */
export function closeApps(apps: readonly { readonly client: AppClient; readonly proxy: CuttingProxy }[]): void {
  for (const { client, proxy } of apps) {
    client.close()
    proxy.cut()
  }
}

async function openPackets(t: Test, proxy: CuttingProxy, options: object): Promise<AppClient> {
  const client = PacketClient.start(t, proxy.url, { ...options, reconnectionDelayMax: 100 } as object)
  return { heard: client.heard, close: () => void client.socket.close() }
}

/** Connects again and again. */
function comeBack(connect: (heard: Heard[]) => Promise<void>): AppClient {
  const heard: Heard[] = []
  let isClosed = false
  const run = async (): Promise<void> => {
    while (!isClosed) {
      await connect(heard).catch(() => undefined)
      await sleep(20)
    }
  }
  void run()
  return {
    heard,
    close: () => {
      isClosed = true
    }
  }
}

/** What an event does to what is shown. */
const EFFECTS: Readonly<Record<string, 'new' | 'changed' | 'deleted'>> = {
  'receive-message': 'new',
  'message:new': 'new',
  'message:sent': 'new',
  message_edited: 'changed',
  'message:edited': 'changed',
  message_deleted: 'deleted',
  'message:deleted': 'deleted'
}

interface Effect {
  readonly kind: 'new' | 'changed' | 'deleted'
  readonly conversationId: string
  readonly message: Shown
}

function effectOf(heard: Heard | undefined): Effect | undefined {
  const { name = '', data } = heard ?? {}
  const kind = EFFECTS[name]
  if (kind === undefined) return undefined
  const message = data.message ?? data
  const id: string = (message._id ?? message.messageId ?? message.id).slice(-24)
  const conversationId: string = message.conversationId ?? data.chatId
  return { kind, conversationId, message: { id, text: kind === 'deleted' ? undefined : textOf(message) } }
}

/** What an app shows after what it has loaded and heard: the messages of each conversation, in the order it got them. */
export class Screen {
  readonly #heard: readonly Heard[]
  /** By conversation and message, bare ids. */
  readonly #shown: Map<string, Map<string, Shown>>
  #read = 0

  /** @param loaded at first, by conversation */
  constructor({ heard }: Pick<AppClient, 'heard'>, loaded: ReadonlyMap<string, readonly Shown[]> = new Map()) {
    this.#heard = heard
    const entries = [...loaded].map(
      ([id, messages]) => [id.slice(-24), new Map(messages.map(it => [it.id, it]))] as const
    )
    this.#shown = new Map(entries)
  }

  of(conversationId: string): Shown[] {
    return [...this.#messages(conversationId).values()]
  }

  has(conversationId: string, id: string): boolean {
    return this.#messages(conversationId).has(id)
  }

  #messages(conversationId: string): Map<string, Shown> {
    for (; this.#read < this.#heard.length; this.#read++) this.#take(effectOf(this.#heard[this.#read]))
    return this.#shown.get(conversationId.slice(-24)) ?? new Map()
  }

  #take(effect: Effect | undefined): void {
    if (effect === undefined) return
    const { kind, conversationId, message } = effect
    const shown = this.#shown.get(conversationId.slice(-24)) ?? new Map<string, Shown>()
    this.#shown.set(conversationId.slice(-24), shown)
    // An app shows a message once, and changes what it shows.
    if (shown.has(message.id) !== (kind === 'new')) shown.set(message.id, message)
  }
}

// biome-ignore lint/suspicious/noExplicitAny: messages of several apps
function textOf(message: any): string | undefined {
  return message.isDeleted === true || message.deletedAt ? undefined : (message.content ?? message.text)
}

/** Messages of a conversation as somebody sees who loads it anew; undefined for who is not in it. */
export async function load(server: TestServer, person: Person, conversationId: string): Promise<Shown[] | undefined> {
  const messages: Shown[] = []
  for (let after = 0, more = true; more; ) {
    const path = `/v1/conversations/${conversationId}/messages?limit=100&after=${after}`
    const { status, body } = await server.call(person, 'GET', path)
    if (status !== 200) return undefined
    // Notes of the server are without words here, and apps have words of their own for them.
    messages.push(...body.messages.filter(isSaid).map(presentLoaded))
    more = body.more
    after = body.messages.at(-1)?.seq
  }
  return messages
}

function isSaid({ type }: { type: string }): boolean {
  return type !== 'system'
}

function presentLoaded({ id, text, deletedAt }: { id: string; text?: string; deletedAt?: string }): Shown {
  return { id: id.slice(-24), text: deletedAt === undefined ? text : undefined }
}
