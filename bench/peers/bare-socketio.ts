/** The peer of `idle` for apps on socket.io: `socket.io` with its defaults and nothing else. */
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const server = createServer((_request, response) => response.end())
new Server(server, { allowEIO3: true }).on('connection', () => undefined)
server.listen(Number(process.env['PORT']), '127.0.0.1')
