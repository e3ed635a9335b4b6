import type { BenchUser } from '../users.ts'
import { LightSocket } from './light-socket.ts'
import { markedText, markIn } from './mark.ts'
import type { BenchConversation, FrameKind, Target, Wire } from './wire.ts'

const ACK = 'a'.charCodeAt(0)

/** The bare `ws` peer: everybody who is connected is in the one conversation. */
export class BareWire implements Wire {
  readonly #socketUrl: string
  constructor({ url }: Target) {
    this.#socketUrl = `${url.replace('http', 'ws')}/`
  }

  async connect(): Promise<LightSocket> {
    return await LightSocket.open(this.#socketUrl)
  }

  async createConversations(groups: readonly (readonly BenchUser[])[]): Promise<BenchConversation[]> {
    return groups.map(members => ({ id: '', members }))
  }

  sendFrame(_conversation: BenchConversation, _sender: BenchUser, n: number): string {
    return markedText(n)
  }

  kindOf(bytes: Buffer, start: number): FrameKind {
    return bytes[start] === ACK ? 'ack' : 'message'
  }

  numberOf(_kind: FrameKind, bytes: Buffer, start: number, end: number): number {
    return markIn(bytes, start, end)
  }

  async close(): Promise<void> {}
}
