import type { BenchUser } from '../users.ts'
import { LightSocket } from './light-socket.ts'
import type { BenchConversation, FrameKind, Target, Wire } from './wire.ts'

/** The packets of socket.io over a WebSocket, as far as a connection at rest needs them. */
export class PacketWire implements Wire {
  readonly #socketUrl: string

  constructor({ url }: Target) {
    this.#socketUrl = `${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`
  }

  async connect({ token }: BenchUser): Promise<LightSocket> {
    const socket = await LightSocket.open(this.#socketUrl)
    const opened = socket.awaitFrame(text => text.startsWith('40') || text.startsWith('44'))
    socket.send(`40${JSON.stringify({ token })}`)
    const answer = await opened
    if (answer.startsWith('44')) throw new Error(`The connection was refused with ${answer}`)
    return socket
  }

  async createConversations(): Promise<BenchConversation[]> {
    throw new Error('Connections at rest have no conversations')
  }

  sendFrame(): string {
    throw new Error('Connections at rest say nothing')
  }

  kindOf(): FrameKind {
    return 'other'
  }

  numberOf(): number {
    return 0
  }

  async close(): Promise<void> {}
}
