import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { frameAt } from '../kit/frames.ts'
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
  for (let found = frameAt(received, 0); found !== undefined; found = frameAt(received, found.end)) {
    const { first, start, end } = found
    if (first === 0x88) return end - start >= 2 ? received.readUInt16BE(start) : 1005
  }
  return 1006
}
