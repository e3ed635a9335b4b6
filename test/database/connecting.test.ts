import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { connect } from '../../src/database/connecting.ts'
import { findMongod } from '../../src/database/embedded/mongod-binary.ts'
import { freePort } from '../kit/ports.ts'

/** The message with which a connection fails. */
async function failure(uri: string): Promise<string> {
  return await connect({ MONGODB_URI: uri, MONGODB_POOL_SIZE: 1 }).then(
    async client => {
      await client.close()
      return 'connected'
    },
    (error: Error) => error.message
  )
}

/** A `mongod` of a replica set that nobody has set up. @returns its port */
async function startUninitiated(t: Test): Promise<number> {
  const port = await freePort()
  const args = ['--replSet', 'rs0', '--dbpath', t.testdir(), '--bind_ip', '127.0.0.1', '--port', String(port)]
  const binary = await findMongod({ binary: process.env['MONGOD_BINARY'] })
  const child = spawn(binary, [...args, '--nounixsocket', '--wiredTigerCacheSizeGB', '0.25'], { stdio: 'ignore' })
  t.teardown(async () => {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  })
  for (;;) {
    const socket = connectSocket(port, '127.0.0.1')
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false
    )
    socket.destroy()
    if (isOpen) return port
    await sleep(50)
  }
}

t.test('U54: a connection string that cannot be used is named, with what to do, and without its password', async t => {
  const encode = /^MONGODB_URI: .*percent-encoded: @ is %40/
  const bad: [string, RegExp][] = [
    ['mongodb://usr:p@ssw0rd@127.0.0.1:1/parley?replicaSet=rs0', encode],
    ['mongodb://usr:100%zz@127.0.0.1:1/parley', encode],
    ['mongodb://usr:pa:ss@127.0.0.1:1/parley', encode],
    ['mongodb://usr:s3cr@t/pw@127.0.0.1:1/parley', encode],
    ['mongodb://usr:s3cr/t@127.0.0.1:1/parley', encode],
    ['mongodb://usr:pass?w0rd@127.0.0.1:1/parley', encode],
    ['mongodb://127.0.0.1:1/parley?nonsense=1', /^MONGODB_URI: .*nonsense/],
    ['mongodb://usr:passw0rd@127.0.0.1:1/parley', /^MONGODB_URI: no primary .* at 127\.0\.0\.1:1\. Is it running/]
  ]
  for (const [index, message] of (await Promise.all(bad.map(([uri]) => failure(uri)))).entries()) {
    t.match(message, bad[index]?.[1])
    t.notMatch(message, /ssw0rd|100%zz|pa:ss|s3cr|w0rd/)
  }
})

t.test('U54: a wrong password is told from a database that is away', async t => {
  const url = new URL(process.env['TEST_MONGODB_URI'] ?? '')
  url.password = 'another'
  t.match(await failure(url.href), /^MONGODB_URI: Authentication failed.*user name, password and authSource/)
})

t.test('U69: a replica set that has no primary is explained', async t => {
  const port = await startUninitiated(t)
  const given = new URL(process.env['TEST_MONGODB_URI'] ?? '')
  given.searchParams.set('replicaSet', 'another')
  const [alone, named, directly, misnamed] = await Promise.all([
    failure(`mongodb://127.0.0.1:${port}/parley`),
    failure(`mongodb://127.0.0.1:${port}/parley?replicaSet=rs0`),
    failure(`mongodb://127.0.0.1:${port}/?directConnection=true`),
    failure(given.href)
  ])
  const question = `answers at 127.0.0.1:${port}. Is it running, and was rs.initiate() run once?`
  t.match(alone, `MONGODB_URI: no primary of a replica set ${question}`)
  t.match(named, `MONGODB_URI: no primary of a replica set named rs0 ${question}`)
  t.match(directly, /^MONGODB_URI: the replica set of this MongoDB was never set up: run rs\.initiate\(\) once/)
  t.match(misnamed, `MONGODB_URI: no primary of a replica set named another answers at ${given.host}.`)
})
