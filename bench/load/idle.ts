import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryFile, rssBytes } from '../process.ts'
import { mintUsers } from '../users.ts'
import { createWire } from './create-wire.ts'
import { inParallel } from './parley-rest.ts'
import type { Target } from './wire.ts'

const CONNECT_WIDTH = 100
/** Connections made and ended before the first reading, so that what the server sets up once is not counted. */
const WARM_UP_CONNECTIONS = 500
/** Between the signal to collect garbage and the reading; the allocator gives pages back in its own time. */
const SETTLE_MS = 2_000

/** Many connections that authenticate and then say nothing. */
export interface Idle {
  readonly target: Target
  readonly connections: number
}

/** Memory of the server per connection, after garbage collection before and with the connections. */
export interface IdleResult {
  /** Of the memory that the process holds, gaps between what is alive included. */
  readonly residentBytes: number
  /** Of what is alive: the JavaScript heap and what it holds outside. */
  readonly liveBytes: number
}

/** Opens the connections and reads the server's memory. The server must be started with `collect-garbage`. */
export async function holdIdle({ target, connections }: Idle): Promise<IdleResult> {
  const wire = createWire(target)
  const open = async (count: number) => {
    const users = await mintUsers(count)
    return await inParallel(users, CONNECT_WIDTH, user => wire.connect(user))
  }
  for (const socket of await open(WARM_UP_CONNECTIONS)) socket.close()
  await sleep(SETTLE_MS)
  const base = await settled(target.serverPid)
  const sockets = await open(connections)
  await sleep(SETTLE_MS)
  const full = await settled(target.serverPid)
  for (const socket of sockets) socket.close()
  await wire.close()
  return {
    residentBytes: (full.resident - base.resident) / connections,
    liveBytes: (full.live - base.live) / connections
  }
}

async function settled(pid: number): Promise<{ resident: number; live: number }> {
  process.kill(pid, 'SIGWINCH')
  await sleep(SETTLE_MS)
  return { resident: rssBytes(pid), live: Number(readFileSync(memoryFile(pid), 'utf8')) }
}
