import { MongoClient, ObjectId } from 'mongodb'
import type { BenchUser } from '../users.ts'
import { LightSocket } from './light-socket.ts'
import { markedText, markIn } from './mark.ts'
import type { BenchConversation, FrameKind, Target, Wire } from './wire.ts'

/** Offsets of the event's name in `42/app,["…`, and of `new` or `sent` in `message:new`, `message:sent`. */
const NAME_AT = '42/app,["'.length
const DETAIL_AT = NAME_AT + 'message:'.length
const M = 'm'.charCodeAt(0)
const N = 'n'.charCodeAt(0)
const S = 's'.charCodeAt(0)

/**
 * The fifth document's events in Socket.IO's own frames over a bare WebSocket, which costs the load less than
 * `socket.io-client` and the server exactly the same. The acknowledgement is the document's `message:sent`.
 */
export class TaatomWire implements Wire {
  readonly #socketUrl: string
  readonly #mongo: MongoClient
  constructor({ url, mongoUri }: Target) {
    this.#socketUrl = `${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`
    this.#mongo = new MongoClient(mongoUri)
  }

  async connect({ token }: BenchUser): Promise<LightSocket> {
    const socket = await LightSocket.open(this.#socketUrl)
    const accepted = socket.awaitFrame(text => text.startsWith('40/app,') || text.startsWith('44/app,'))
    socket.send(`40/app,${JSON.stringify({ token })}`)
    const text = await accepted
    if (text.startsWith('44')) throw new Error(`The connection was refused: ${text}`)
    return socket
  }

  /** Writes the chats as the document's `getChat` would leave them: there, and empty. */
  async createConversations(groups: readonly (readonly BenchUser[])[]): Promise<BenchConversation[]> {
    const now = new Date()
    const chats = groups.map(members => ({
      _id: new ObjectId(),
      participants: members.map(({ id }) => new ObjectId(id)),
      messages: [],
      type: 'user_chat',
      status: 'open',
      createdAt: now,
      updatedAt: now
    }))
    await this.#mongo.db().collection('chats').insertMany(chats)
    return groups.map((members, index) => ({ id: chats[index]?._id.toHexString() ?? '', members }))
  }

  sendFrame({ id, members }: BenchConversation, sender: BenchUser, n: number): string {
    const [first, second] = members
    const to = first === sender ? second : first
    const whereTo = members.length === 2 ? `"to":"${to?.id}"` : `"chatId":"${id}"`
    return `42/app,["sendMessage",{${whereTo},"text":"${markedText(n)}"}]`
  }

  /** Engine.IO's pings stay unanswered: the server gives up after 45 s, and no measurement is as long. */
  kindOf(bytes: Buffer, start: number): FrameKind {
    if (bytes[start + NAME_AT] !== M) return 'other'
    const detail = bytes[start + DETAIL_AT]
    return detail === N ? 'message' : detail === S ? 'ack' : 'other'
  }

  numberOf(_kind: FrameKind, bytes: Buffer, start: number, end: number): number {
    return markIn(bytes, start, end)
  }

  async close(): Promise<void> {
    await this.#mongo.close()
  }
}
