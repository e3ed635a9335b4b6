import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Person, TestServer } from '../kit/helper.ts'

/** Sends bytes as they are. @returns everything the server says until it or we close */
export async function raw({ url }: TestServer, ...parts: (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  let answer = ''
  socket
    .on('error', () => undefined)
    .on('data', data => {
      answer += data.toString('latin1')
      // One answer is enough where the server would keep the connection.
      if (/\r\n\r\n(.*\}|)$/s.test(answer) && !/content-length: (?!0)/i.test(answer.split('\r\n\r\n')[1] ?? ''))
        socket.end()
    })
  for (const part of parts) socket.write(part)
  await once(socket, 'close')
  return answer
}

/** A frame as a client writes it, right or wrong. */
export function frame(first: number, payload: Buffer | string, { isMasked = true, declared = -1 } = {}): Buffer {
  const data = Buffer.from(payload)
  const length = declared >= 0 ? declared : data.length
  const header = length < 126 ? Buffer.from([first, length]) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  header[0] = first
  if (header.length === 4) {
    header[1] = 126
    header.writeUInt16BE(length, 2)
  } else if (header.length === 10) {
    header[1] = 127
    header.writeBigUInt64BE(BigInt(length), 2)
  }
  if (!isMasked) return Buffer.concat([header, data])
  header[1] = (header[1] ?? 0) | 0x80
  return Buffer.concat([header, Buffer.alloc(4), data])
}

/** A greeted connection whose bytes are ours. @returns it, and the code with which the server closes it */
export async function rawSocket(
  { url }: TestServer,
  { token }: Person
): Promise<{ socket: Socket; closed: Promise<number> }> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => undefined)
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nAuthorization: Bearer ${token}\r\n\r\n`
  )
  await once(socket, 'data')
  let received = Buffer.alloc(0)
  socket.on('data', data => {
    received = Buffer.concat([received, data])
  })
  const closed = once(socket, 'close').then(() => closeCode(received))
  return { socket, closed }
}

/** The code in the close frame, behind whatever came before it; 1006 when there is none, 1005 when it has no code. */
function closeCode(received: Buffer): number {
  for (let at = 0; at + 1 < received.length; ) {
    const short = (received[at + 1] ?? 0) & 0x7f
    const [length, start] = short === 126 ? [received.readUInt16BE(at + 2), at + 4] : [short, at + 2]
    if (received[at] === 0x88) return length >= 2 ? received.readUInt16BE(start) : 1005
    at = start + length
  }
  return 1006
}
