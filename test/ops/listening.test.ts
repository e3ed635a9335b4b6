import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { ownDatabase, startServer, testEnv } from '../kit/helper.ts'

/** Starts a process as an operator does who sets no address. @returns its port */
async function startProcess(t: Test): Promise<string> {
  const { HOST, ...env } = testEnv(ownDatabase(t), { NODE_ENV: 'production', LOG_LEVEL: 'info' })
  const server = spawn(process.execPath, ['dist/server/main.js'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(async () => {
    server.kill('SIGKILL')
    await once(server, 'exit')
  })
  for await (const line of createInterface(Readable.from(server.stdout))) {
    const [, port] = /"address":"http:\/\/\S+:(\d+)"/.exec(line) ?? []
    if (port !== undefined) return port
  }
  throw new Error('The server ended before it listened')
}

t.test('U46: in production it is reached by IPv6 and by IPv4', async t => {
  const port = await startProcess(t)
  const addresses = Object.values(networkInterfaces()).flatMap(them => them?.map(({ address }) => address) ?? [])
  for (const address of ['127.0.0.1', '::1'].filter(it => addresses.includes(it))) {
    const at = `http://${address.includes(':') ? `[${address}]` : address}:${port}`
    t.equal((await fetch(`${at}/health/live`)).status, 200, address)
    t.equal((await fetch(`${at}/metrics`)).status, 200, `${address} is this machine`)
  }
})

t.test('U45: an unused connection stays for longer than proxies keep it, or as long as is set', async t => {
  const kept = async (env: Record<string, string>) => {
    const server = await startServer(t, { env })
    return Number(
      /timeout=(\d+)/.exec((await server.call(undefined, 'GET', '/health/live')).headers.get('keep-alive') ?? '')?.[1]
    )
  }
  t.equal(await kept({}), 130)
  t.equal(await kept({ TIMINGS_KEEP_ALIVE_MS: '620000' }), 620)
})
