// A WebSocket client for trying things out: sends the commands given, each after the reply to the one before, prints
// every frame that comes, and ends after the last reply, or with --stay when it is told to.
//   node scripts/ws.js [--stay] ws://localhost:3000/ws '{"type":"ping"}' …
import { WebSocket } from 'ws'

const isStaying = process.argv.includes('--stay')
const [url = 'ws://localhost:3000/ws', ...commands] = process.argv.slice(2).filter(word => word !== '--stay')
let sent = 0

const ws = new WebSocket(url)
ws.on('open', next)
ws.on('error', ({ message }) => console.error(message))
ws.on('close', (code, reason) => code !== 1000 && console.error(`closed: ${code} ${reason}`))
ws.on('message', data => {
  console.log(String(data))
  if (JSON.parse(String(data)).id === String(sent)) next()
})

function next() {
  const command = commands[sent]
  if (command !== undefined) ws.send(JSON.stringify({ v: 1, id: String(++sent), ...JSON.parse(command) }))
  else if (!isStaying) ws.close(1000)
}
