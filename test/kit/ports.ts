import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Ports that no system gives to outgoing connections: Linux gives those from 32,768, others those from 49,152. */
const FIRST = 10_000
const END = 32_768

/**
 * Port for a process that is started on it, perhaps several times. A port that the system chooses could go to somebody's
 * outgoing connection before the process is there, and while it is not.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
