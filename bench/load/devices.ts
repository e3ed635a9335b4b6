import { request } from 'node:http'
import { type BenchUser, mintUsers } from '../users.ts'
import { LightSocket } from './light-socket.ts'
import { inParallel, ParleyRest } from './parley-rest.ts'
import { ParleyWire } from './parley-wire.ts'
import { author } from './seed-catch-up.ts'
import { type Cost, Window } from './window.ts'
import type { BenchConversation, Target } from './wire.ts'

/** Members of each conversation whose apps fall behind. */
const DEVICES_PER_CONVERSATION = 50
/** What has not come by then does not come. */
const PATIENCE_MS = 300_000

/** Device of an app that keeps no cursor; by its number it is of one framing or another. */
interface Device {
  readonly user: BenchUser
  readonly framing: 'socket.io' | 'raw socket' | 'event stream'
}

export interface SeedDevices {
  readonly target: Target
  readonly devices: number
  readonly conversationsPerDevice: number
}

/** Devices that the server knows, the conversations of their people, and two people who have one of their own. */
export interface SeededDevices {
  readonly devices: readonly Device[]
  readonly conversations: readonly BenchConversation[]
  readonly bystanders: BenchConversation
}

/** Introduces everybody, and has each device come once. */
export async function seedDevices(params: SeedDevices): Promise<SeededDevices> {
  const { target, devices: count, conversationsPerDevice } = params
  const groups = (count * conversationsPerDevice) / DEVICES_PER_CONVERSATION
  const [users, authors, pair] = [await mintUsers(count), await mintUsers(groups), await mintUsers(2)]
  await new ParleyRest(target.url).introduce([...users, ...authors, ...pair])
  const members = authors.map(one => [one])
  for (const [index, user] of users.entries()) {
    for (let k = 0; k < conversationsPerDevice; k++) members[(index * conversationsPerDevice + k) % groups]?.push(user)
  }
  const wire = new ParleyWire(target)
  const conversations = await wire.createConversations(members)
  const [bystanders] = await wire.createConversations([pair])
  const framings = ['socket.io', 'raw socket', 'event stream'] as const
  const devices = users.map((user, index) => ({ user, framing: framings[index % framings.length] ?? 'socket.io' }))
  await authorMissed({ target, conversations, count: 1, after: 0 })
  await comeBackDevices({ target, devices, conversations: conversationsPerDevice, last: 1 })
  return { devices, conversations, bystanders: bystanders as BenchConversation }
}

export interface AuthorMissed {
  readonly target: Target
  readonly conversations: readonly BenchConversation[]
  readonly count: number
  /** Messages that were sent in each conversation before. */
  readonly after: number
}

/** Sends messages in each conversation while the devices are away. */
export async function authorMissed({ target, conversations, count, after }: AuthorMissed): Promise<void> {
  const wire = new ParleyWire(target)
  await inParallel(conversations, 10, conversation => author(wire, conversation, { count, after }))
}

export interface ComeBackDevices {
  readonly target: Target
  readonly devices: readonly Device[]
  /** Conversations of each, and the number of the last message in them. */
  readonly conversations: number
  readonly last: number
}

/** All connect at once and stay until they have the last message of each conversation. @returns the cost until then */
export async function comeBackDevices({ target, devices, ...goal }: ComeBackDevices): Promise<Cost> {
  const window = new Window(target)
  const leave = await Promise.all(devices.map(async device => await comeBack(target, device, goal)))
  const cost = window.cost()
  for (const close of leave) close()
  return cost
}

/** Resolves when everything has come. @returns what ends the connection */
async function comeBack(
  target: Target,
  { user, framing }: Device,
  { conversations, last }: Omit<ComeBackDevices, 'target' | 'devices'>
): Promise<() => void> {
  let left = conversations
  return await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${framing}: ${left} conversations did not come`)), PATIENCE_MS)
    const reader: Reader = {
      mark: Buffer.from(`~${last}~`),
      take: close => {
        left -= 1
        if (left > 0) return
        clearTimeout(late)
        resolve(close)
      },
      fail: code => reject(new Error(`${framing}: the connection was closed with ${code}`))
    }
    if (framing === 'event stream') readStream(target, user, reader)
    else readSocket(target, user, { ...reader, framing }).catch(reject)
  })
}

interface Reader {
  /** Marks the last message of a conversation. */
  readonly mark: Buffer
  /** Takes a last message, and what ends the connection. */
  readonly take: (close: () => void) => void
  readonly fail: (code: number) => void
}

async function readSocket(
  { url }: Target,
  { token }: BenchUser,
  { framing, mark, take, fail }: Reader & Pick<Device, 'framing'>
): Promise<void> {
  const isPackets = framing === 'socket.io'
  const path = isPackets ? '/socket.io/?EIO=4&transport=websocket' : `/ws?dialect=unified&token=${token}`
  const beginning = isPackets ? '42["receive-message"' : '{"v":1,"type":"receive-message"'
  const socket = await LightSocket.open(url.replace('http', 'ws') + path)
  socket.onClose = fail
  const close = (): void => {
    socket.onClose = undefined
    socket.close()
  }
  socket.onFrame = (bytes, start, end) => {
    const at = bytes.indexOf(mark, start)
    const isMarked = at >= 0 && at < end
    if (isMarked && bytes.toString('latin1', start, start + beginning.length) === beginning) take(close)
  }
  if (isPackets) socket.send(`40${JSON.stringify({ token })}`)
}

function readStream({ url }: Target, { token }: BenchUser, { mark, take, fail }: Reader): void {
  let isClosed = false
  const headers = { authorization: `Bearer ${token}` }
  const asked = request(`${url}/api/sse`, { headers, agent: false })
  const close = (): void => {
    isClosed = true
    asked.destroy()
  }
  const end = (status = 0): void => {
    if (!isClosed) fail(status)
  }
  asked.on('error', () => end())
  asked.on('response', response => {
    if (response.statusCode !== 200) return end(response.statusCode)
    response.on('error', () => end()).on('end', () => end())
    let text = ''
    response.setEncoding('utf8').on('data', chunk => {
      const events = (text + chunk).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events)
        if (event.startsWith('event: message:new\n') && event.includes(mark.toString())) take(close)
    })
  })
  asked.end()
}
