import type { BenchUser } from '../users.ts'
import { LightSocket } from './light-socket.ts'
import { type Cost, Window } from './window.ts'
import type { Target } from './wire.ts'

/** A page that has not come by then does not come. */
const REPLY_TIMEOUT_MS = 120_000
/** The fields of a page's reply that follow its items. */
const TAIL_BYTES = 80
const ITEM = Buffer.from('"text":"~')

/** User who comes back, with the cursor in each conversation. */
export interface Laggard {
  readonly user: BenchUser
  readonly streams: readonly { readonly id: string; readonly since: number }[]
}

/** Everybody who comes back at the same time. */
export interface Storm {
  readonly target: Target
  readonly laggards: readonly Laggard[]
}

/** Cost until all were level. */
export interface StormResult extends Cost {
  /** Items that were pulled. */
  readonly items: number
}

/** Connect all at once and pull until they are level. Cursors stay as they were, so the same storm can be had again. */
export async function comeBack({ target, laggards }: Storm): Promise<StormResult> {
  const window = new Window(target)
  const counts = await Promise.all(laggards.map(laggard => comeBackAlone(target, laggard)))
  return { ...window.cost(), items: counts.reduce((sum, count) => sum + count, 0) }
}

/** Connects with its cursors and pulls stream after stream until each is level. @returns how many items came */
async function comeBackAlone({ url }: Target, { user, streams }: Laggard): Promise<number> {
  const socket = await LightSocket.open(`${url.replace('http', 'ws')}/ws`)
  const timer = setTimeout(() => socket.close(), REPLY_TIMEOUT_MS)
  const cursors = Object.fromEntries(streams.map(({ id, since }) => [id, since]))
  const data = { token: user.token, device: { id: 'bench', platform: 'web' }, cursors }
  const greeted = socket.awaitFrame(text => text.startsWith('{"v":1,"id":"hello"'))
  socket.send(JSON.stringify({ v: 1, id: 'hello', type: 'hello', data }))
  const greeting = await greeted
  if (!greeting.includes('"ok":true')) throw new Error(`hello was answered with ${greeting}`)
  let items = 0
  for (const { id, since } of streams) {
    let page: Page = { count: 0, rev: since, more: true }
    while (page.more) {
      page = await pull(socket, id, page.rev)
      items += page.count
    }
  }
  clearTimeout(timer)
  socket.close()
  return items
}

interface Page {
  readonly count: number
  readonly rev: number
  readonly more: boolean
}

async function pull(socket: LightSocket, stream: string, since: number): Promise<Page> {
  const page = socket.awaitValue((bytes, start, end) => {
    const isReply = bytes.toString('latin1', start, start + 17) === '{"v":1,"id":"pull'
    return isReply ? readPage(bytes, start, end) : undefined
  })
  socket.send(JSON.stringify({ v: 1, id: 'pull', type: 'sync:pull', data: { stream, since } }))
  return await page
}

/** Reads the page's own fields; its items are counted by their marks and not parsed, which would be the load's work. */
function readPage(bytes: Buffer, start: number, end: number): Page {
  const tail = bytes.toString('latin1', Math.max(start, end - TAIL_BYTES), end)
  const rev = /"rev":(\d+)/.exec(tail)?.[1]
  const more = /"more":(true|false)/.exec(tail)?.[1]
  if (rev === undefined || more === undefined) {
    throw new Error(`A page does not end with its rev and more: ${bytes.toString('utf8', start, start + 200)}`)
  }
  let count = 0
  for (let at = bytes.indexOf(ITEM, start); at >= 0 && at < end; at = bytes.indexOf(ITEM, at + 1)) count++
  return { count, rev: Number(rev), more: more === 'true' }
}
