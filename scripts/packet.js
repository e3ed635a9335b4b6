// A socket.io client for trying things out: says what is given, each after the acknowledgement of the one before,
// prints every acknowledgement and every event that comes, and ends after the last, or with --stay when it is told to.
//   node scripts/packet.js [--stay] http://localhost:3000/app '{"auth":{"token":"…"}}' [name '{…}'] …
import { io } from 'socket.io-client'

const isStaying = process.argv.includes('--stay')
const [url = 'http://localhost:3000', options = '{}', ...words] = process.argv.slice(2).filter(it => it !== '--stay')
const socket = io(url, { reconnection: false, ...JSON.parse(options) })

socket.onAny((name, data) => console.log(name, JSON.stringify(data)))
socket.on('connect_error', ({ message }) => console.error(message))
socket.on('disconnect', reason => reason.startsWith('io client') || console.error(`closed: ${reason}`))
socket.on('connect', async () => {
  if (isStaying) console.log('connected')
  for (let at = 0; at + 1 < words.length; at += 2) {
    const answer = await socket.emitWithAck(words[at], JSON.parse(words[at + 1]))
    console.log(JSON.stringify(answer))
  }
  if (!isStaying) socket.close()
})
