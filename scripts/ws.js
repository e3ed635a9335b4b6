// A WebSocket client for trying things out: sends the commands given, each after the reply to the one before, prints
// every frame that comes, and ends after the last reply, or with --stay when it is told to. It ends with 1 when it
// cannot connect or is cut off.
import { WebSocket } from 'ws'

const USAGE = `node scripts/ws.js [--stay] <url> ['{"type":"ping"}'] …
  url  ws://localhost:3000/ws`

const words = process.argv.slice(2).filter(word => word !== '--stay')
const isStaying = process.argv.includes('--stay')
if (words.includes('--help') || words.includes('-h')) {
  console.log(USAGE)
  process.exit()
}
const [url = 'ws://localhost:3000/ws', ...commands] = words
if (!URL.canParse(url)) fail(`${url} is not an address\n${USAGE}`)
let sent = 0

const ws = new WebSocket(url)
ws.on('open', next)
ws.on('error', ({ message }) => fail(message))
ws.on('close', (code, reason) => code === 1000 || fail(`closed: ${code} ${reason}`))
ws.on('message', data => {
  console.log(String(data))
  if (JSON.parse(String(data)).id === String(sent)) next()
})

function next() {
  const command = commands[sent]
  if (command !== undefined) ws.send(JSON.stringify({ v: 1, id: String(++sent), ...JSON.parse(command) }))
  else if (!isStaying) ws.close(1000)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
