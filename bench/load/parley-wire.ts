import type { BenchUser } from '../users.ts'
import { LightSocket } from './light-socket.ts'
import { digitsAt, markedText, markIn } from './mark.ts'
import { inParallel, ParleyRest } from './parley-rest.ts'
import type { BenchConversation, FrameKind, Target, Wire } from './wire.ts'

/** Offsets at which a reply's id starts in `{"v":1,"id":"…`, and where an event's type starts in `{"v":1,"type":"…`. */
const ID_AT = '{"v":1,"id":"'.length
const TYPE_AT = '{"v":1,"type":"'.length
/** Offset at which `new`, `edited`, `deleted` … starts in `message:new`; no other of them starts with its letter. */
const DETAIL_AT = TYPE_AT + 'message:'.length
const KEY_AT = '{"v":1,"'.length
const I = 'i'.charCodeAt(0)
const M = 'm'.charCodeAt(0)
const N = 'n'.charCodeAt(0)
const OK = Buffer.from('"ok":true')

/** Parley's raw frames. The acknowledgement is the reply; the id of the command is the number of the message. */
export class ParleyWire implements Wire {
  readonly #rest: ParleyRest
  readonly #socketUrls: readonly string[]
  #connected = 0

  constructor({ url, second }: Target) {
    this.#rest = new ParleyRest(url)
    this.#socketUrls = [url, ...(second === undefined ? [] : [second.url])].map(it => `${it.replace('http', 'ws')}/ws`)
  }

  async connect({ token }: BenchUser): Promise<LightSocket> {
    const socketUrl = this.#socketUrls[this.#connected++ % this.#socketUrls.length] ?? ''
    const socket = await LightSocket.open(socketUrl)
    const data = { token, device: { id: 'bench', platform: 'web' } }
    const reply = socket.awaitFrame(text => text.includes('"type":"hello"'))
    socket.send(JSON.stringify({ v: 1, id: 'hello', type: 'hello', data }))
    const text = await reply
    if (!text.includes('"ok":true')) throw new Error(`hello was answered with ${text}`)
    return socket
  }

  async createConversations(groups: readonly (readonly BenchUser[])[]): Promise<BenchConversation[]> {
    return await inParallel(groups, 20, members => this.#rest.createConversation(members))
  }

  sendFrame({ id }: BenchConversation, _sender: BenchUser, n: number): string {
    const data = `{"conversationId":"${id}","clientId":"bench-${n}","text":"${markedText(n)}"}`
    return `{"v":1,"id":"${n}","type":"message:send","data":${data}}`
  }

  kindOf(bytes: Buffer, start: number, end: number): FrameKind {
    if (bytes[start + KEY_AT] === I) {
      const ok = bytes.indexOf(OK, start + ID_AT)
      return ok > 0 && ok < end ? 'ack' : 'refusal'
    }
    return bytes[start + TYPE_AT] === M && bytes[start + DETAIL_AT] === N ? 'message' : 'other'
  }

  numberOf(kind: FrameKind, bytes: Buffer, start: number, end: number): number {
    return kind === 'message' ? markIn(bytes, start, end) : digitsAt(bytes, start + ID_AT)
  }

  async close(): Promise<void> {}
}
