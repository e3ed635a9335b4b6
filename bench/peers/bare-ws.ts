/**
 * The peer of `fanout` and `idle`: `ws` and nothing else. What one client sends goes to all others as one prepared
 * Buffer, padded to `FRAME_BYTES` so that both sides carry the same, by `send` in a loop. Nothing is stored.
 */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const { PORT, FRAME_BYTES } = process.env

const server = createServer((_request, response) => response.end())
const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 65_536 })

sockets.on('connection', sender => {
  sender.on('error', () => sender.terminate())
  sender.on('message', data => {
    const text = data.toString()
    const frame = Buffer.from(text.padEnd(Number(FRAME_BYTES ?? 0), 'x'))
    for (const socket of sockets.clients) {
      if (socket !== sender) socket.send(frame, { binary: false })
    }
    sender.send(`ack ${text.slice(0, 16)}`)
  })
})

server.listen(Number(PORT), '127.0.0.1')
