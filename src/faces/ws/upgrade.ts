import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppError } from '../../errors.ts'
import { endWith } from '../http/errors.ts'

/** Names and values of headers that Node keeps at most; of more than these it has not kept all. */
const MAX_RAW_HEADERS = 2_000
/** Headers that an offer consists of, also as words of `Connection`. */
const OFFER = /^(?:upgrade|http2-settings)$/i

/** Whether a request wants a WebSocket, and not another protocol. */
export function isToWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * Passes over an offer of another protocol, such as HTTP/2 (RFC 9110, 7.8). Node has read the head and left the rest,
 * so the server reads the request once more, without the offer, and what follows it on the connection.
 */
export function passOver(server: Server, request: IncomingMessage, socket: Duplex, rest: Buffer): void {
  // Nothing is asked any more on a connection that ends with an answer.
  if (!socket.writable) return
  const earlier = '_httpMessage' in socket ? socket._httpMessage : undefined
  if (earlier instanceof ServerResponse) {
    // Answers keep the order of their requests. Nobody listens to the socket meanwhile.
    socket.on('error', () => socket.destroy())
    earlier.once('finish', () => passOver(server, request, socket, rest))
    return
  }
  // A length that is not known any more would make a request of its body.
  if (request.rawHeaders.length >= MAX_RAW_HEADERS) {
    endWith(socket, new AppError('head_too_large', 'There are too many headers'))
    return
  }
  socket.unshift(Buffer.concat([headOf(request), rest]))
  server.emit('connection', socket)
}

/** Head of a request as it came, without the offer. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2)
    const kept = name.toLowerCase() === 'connection' ? withoutOffer(value) : value
    if (!OFFER.test(name) && kept !== undefined) lines.push(`${name}: ${kept}`)
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** Value of `Connection` without the words of an offer; `undefined` when there are no others. */
function withoutOffer(value: string): string | undefined {
  const words = value.split(',').filter(word => !OFFER.test(word.trim()))
  return words.length > 0 ? words.join(',') : undefined
}
