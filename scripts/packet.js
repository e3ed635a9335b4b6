// A socket.io client for trying things out: says what is given, each after the acknowledgement of the one before,
// prints every acknowledgement and every event that comes, and ends after the last, or with --stay when it is told to.
// It ends with 1 when it cannot connect or is cut off.
import { io } from 'socket.io-client'

const USAGE = `node scripts/packet.js [--stay] <url> [options] [name '{…}'] …
  url      http://localhost:3000/app, with the namespace as its path
  options  JSON for the client, such as '{"auth":{"token":"…"}}'`

const words = process.argv.slice(2).filter(word => word !== '--stay')
const isStaying = process.argv.includes('--stay')
if (words.includes('--help') || words.includes('-h')) {
  console.log(USAGE)
  process.exit()
}
const [url = 'http://localhost:3000', options = '{}', ...said] = words
if (!URL.canParse(url)) fail(`${url} is not an address\n${USAGE}`)
const socket = io(url, { reconnection: false, ...JSON.parse(options) })

socket.onAny((name, data) => console.log(name, JSON.stringify(data)))
socket.on('connect_error', ({ message }) => fail(message))
socket.on('disconnect', reason => reason.startsWith('io client') || fail(`closed: ${reason}`))
socket.on('connect', async () => {
  if (isStaying) console.log('connected')
  for (let at = 0; at + 1 < said.length; at += 2) {
    const answer = await socket.emitWithAck(said[at], JSON.parse(said[at + 1]))
    console.log(JSON.stringify(answer))
  }
  if (!isStaying) socket.close()
})

function fail(message) {
  console.error(message)
  process.exit(1)
}
