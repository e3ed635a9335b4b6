import { type ServerOptions, WebSocketServer } from 'ws'
import { AppError } from '../../errors.ts'
import { endWith } from '../http/errors.ts'

/** Bounds of every WebSocket, whatever is spoken on it, so that nobody fills the memory with what comes to nothing. */
export const WEBSOCKET_BOUNDS = {
  /** Parts of one message. */
  maxFragments: 64,
  /** Pieces in which a message may come over the network. */
  maxBufferedChunks: 1_024,
  /** Pongs that wait for a client which asks for more and reads none. */
  maxPendingAutoPongs: 60,
  /** Time that a client gets to answer a close, ms. */
  closeTimeout: 2_000,
  perMessageDeflate: false,
  clientTracking: false
} satisfies ServerOptions & Record<'maxPendingAutoPongs' | 'closeTimeout', number>

/** WebSockets of another library, within the same bounds. */
export class BoundedWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, ...WEBSOCKET_BOUNDS })
    refuseHandshakes(this)
  }
}

/** Answers a handshake that is not valid in the form of every other error. */
export function refuseHandshakes(server: WebSocketServer): void {
  server.on('wsClientError', (_error, socket) => {
    const error = new AppError('invalid', 'The handshake of a WebSocket needs GET, a key, and version 13')
    endWith(socket, error, ['Sec-WebSocket-Version: 13'])
  })
}
