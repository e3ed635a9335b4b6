import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Document } from 'mongodb'
import t, { type Test } from 'tap'
import { findEmbedded } from '../../src/database/embedded/embedded.ts'
import { findMongod } from '../../src/database/embedded/mongod-binary.ts'
import { commandLine } from '../../src/database/embedded/processes.ts'
import { HOST, SET, untilPrimary } from '../../src/database/embedded/replica-set.ts'
import { freePort } from '../kit/ports.ts'
import {
  connected,
  insert,
  kill,
  killMongod,
  names,
  newFolder,
  silent,
  spawnProcess,
  start,
  startProcess
} from './embedded-rig.ts'

const run = promisify(execFile)
const UNAUTHORIZED = 13
const AUTHENTICATION_FAILED = 18

/** Commands of somebody who wants to read, change, get in for good, or spoil it. */
const HOSTILE: readonly Document[] = [
  { listDatabases: 1 },
  { usersInfo: 1 },
  { createUser: 'mallory', pwd: 'x', roles: ['root'] },
  { replSetReconfig: { _id: SET, version: 99, members: [] }, force: true },
  { replSetInitiate: {} },
  { shutdown: 1, force: true }
]

/** Without a password nothing is read or changed, also straight at the process. */
async function isShut(t: Test, uri: string): Promise<void> {
  const { host } = new URL(uri)
  await connected(`mongodb://${host}/parley?directConnection=true`, async client => {
    const unauthorized = { code: UNAUTHORIZED }
    await t.rejects(client.db().collection('kept').findOne(), unauthorized, 'reads nothing')
    await t.rejects(client.db().collection('kept').insertOne({}), unauthorized, 'writes nothing')
    for (const command of HOSTILE) {
      await t.rejects(client.db('admin').command(command), unauthorized, `no ${Object.keys(command)[0]}`)
    }
  })
}

const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8').trim()

t.test('S30: who has no password reads and changes nothing, before and after a repair', async t => {
  const events = new EventEmitter()
  const database = await start(newFolder(t), {
    ...silent,
    info: (_: object, message: string) => events.emit(message)
  })
  t.teardown(() => database.stop())
  await insert(database.uri, 'kept')
  await isShut(t, database.uri)
  const wrong = new URL(database.uri)
  wrong.password = 'wrong'
  await t.rejects(insert(wrong.href, 'x'), { code: AUTHENTICATION_FAILED })
  const back = once(events, 'The embedded database is back')
  process.kill(database.pid, 'SIGKILL')
  await back
  await isShut(t, database.uri)
  t.same(await names(database.uri), ['kept'])
})

t.test('S30: the secrets are in files of their owner alone, and in no command line and no log', async t => {
  const folder = newFolder(t)
  const database = await start(folder)
  t.teardown(() => database.stop())
  const secrets = [read(folder, 'mongod.password'), read(folder, 'mongod.key')]
  t.equal(new URL(database.uri).password, secrets[0])
  for (const name of ['mongod.password', 'mongod.key']) t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  const seen = `${await commandLine(database.pid)} ${read(folder, 'mongod.log')}`
  for (const secret of secrets) {
    t.ok(secret.length >= 64)
    t.notOk(seen.includes(secret))
  }
  t.equal(await findEmbedded(folder), database.uri, 'another process of the owner finds the password')
  rmSync(join(folder, 'mongod.password'))
  const bare = `mongodb://${new URL(database.uri).host}/parley?replicaSet=${SET}`
  t.equal(await findEmbedded(folder), bare, 'an older Parley made none')
})

/** A database as an older Parley has left it: without credentials, with something in it. */
async function makeOld(folder: string): Promise<ChildProcess> {
  mkdirSync(join(folder, 'db'))
  const port = await freePort()
  writeFileSync(join(folder, 'port'), `${port}\n`)
  const args = ['--replSet', SET, '--dbpath', join(folder, 'db'), '--bind_ip', HOST, '--port', String(port)]
  const program = await findMongod({ binary: process.env['MONGOD_BINARY'] })
  const mongod = spawn(program, [...args, '--nounixsocket', '--oplogSize', '256'], { stdio: 'ignore' })
  await untilPrimary(port, new AbortController().signal)
  await insert(`mongodb://${HOST}:${port}/parley?replicaSet=${SET}`, 'of before')
  return mongod
}

for (const isLeftRunning of [false, true]) {
  const title = isLeftRunning ? 'that an older Parley has left running' : 'of before'
  t.test(`S30: a database ${title} gets its credentials at the next start, and keeps its data`, async t => {
    const folder = newFolder(t)
    const mongod = await makeOld(folder)
    t.teardown(() => kill(mongod))
    if (!isLeftRunning) await kill(mongod)
    const database = await start(folder)
    t.teardown(() => database.stop())
    await isShut(t, database.uri)
    t.same(await names(database.uri), ['of before'])
  })
}

/** Moments of a first start, as they show in its folder. */
const MOMENTS: Readonly<Record<string, (folder: string) => boolean>> = {
  'the password is there': folder => existsSync(join(folder, 'mongod.password')),
  'the set is made': folder => hasLogged(folder, 'replSetInitiate'),
  'it takes writes, and the user is next': folder => hasLogged(folder, 'ransition to primary complete'),
  'the user is being made': folder => hasLogged(folder, 'admin.system.users')
}

function hasLogged(folder: string, text: string): boolean {
  const file = join(folder, 'mongod.log')
  return existsSync(file) && readFileSync(file, 'utf8').includes(text)
}

for (const [moment, hasCome] of Object.entries(MOMENTS)) {
  t.test(`S30: a first start that is killed when ${moment} is made good by the next`, async t => {
    const folder = newFolder(t)
    const child = spawnProcess(folder)
    let isReady = false
    child.stdout.once('data', () => {
      isReady = true
    })
    while (!hasCome(folder) && !isReady) await sleep(1)
    await kill(child)
    const lock = join(folder, 'db', 'mongod.lock')
    const pid = existsSync(lock) ? Number.parseInt(readFileSync(lock, 'utf8'), 10) : 0
    if (pid > 0) await killMongod(pid, folder)
    const database = await start(folder)
    t.teardown(() => database.stop())
    await isShut(t, database.uri)
    await insert(database.uri, 'works')
  })
}

t.test('S30: a password that was lost or changed while nobody ran is given to the user anew', async t => {
  const folder = newFolder(t)
  const first = await start(folder)
  await insert(first.uri, 'kept')
  await first.stop()
  rmSync(join(folder, 'mongod.password'))
  rmSync(join(folder, 'mongod.key'))
  const second = await start(folder)
  t.not(second.uri, first.uri)
  t.same(await names(second.uri), ['kept'])
  await t.rejects(names(first.uri), { code: AUTHENTICATION_FAILED })
  await second.stop()
  writeFileSync(join(folder, 'mongod.password'), 'chosen: by/hand@home\n')
  writeFileSync(join(folder, 'mongod.key'), 'half a k', { mode: 0o644 })
  const third = await start(folder)
  t.teardown(() => third.stop())
  t.same(await names(third.uri), ['kept'])
  await t.rejects(names(second.uri), { code: AUTHENTICATION_FAILED })
})

t.test('S30: a password file that is empty stops the start, and the message says what to do', async t => {
  const folder = newFolder(t)
  writeFileSync(join(folder, 'mongod.password'), '')
  await t.rejects(start(folder), /mongod\.password is empty: delete it, and a new one is made \(nothing is lost\)/)
})

if (process.platform === 'linux') {
  t.test('S29: mongod gets none of the secrets', async t => {
    const secrets = { JWT_SECRET: 'x'.repeat(40), SMTP_URL: 'smtp://a:b@mail.test', METRICS_TOKEN: 'y' }
    const { pid } = await startProcess(t, newFolder(t), { ...secrets, LC_ALL: 'C' })
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    t.ok(environment.includes('LC_ALL=C'))
    for (const name of Object.keys(secrets))
      t.notOk(
        environment.some(it => it.startsWith(`${name}=`)),
        name
      )
  })
}

/** A server with a database of its own, and all that it says. */
async function startServer(t: Test, env: NodeJS.ProcessEnv) {
  const server = spawn(process.execPath, ['dist/server/main.js'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = new EventEmitter()
  let text = ''
  for (const stream of [server.stdout, server.stderr]) {
    stream.on('data', chunk => {
      text += String(chunk)
      said.emit('more')
    })
  }
  t.teardown(async () => {
    const exited = once(server, 'exit')
    server.kill('SIGTERM')
    await exited
  })
  const hear = async (part: RegExp): Promise<string> => {
    for (;;) {
      const found = part.exec(text)
      if (found) return found[1] ?? found[0]
      await once(said, 'more')
    }
  }
  return { url: await hear(/"address":"(http:[^"]+)"/), hear, said: () => text }
}

t.test('S30: commands beside a server work on its database, and nothing that is printed has the password', async t => {
  const folder = newFolder(t)
  const env = {
    ...{ PATH: process.env['PATH'], NODE_ENV: 'test', DATA_DIR: folder, PORT: '0', LOG_LEVEL: 'trace' },
    MONGOD_BINARY: await findMongod({ binary: process.env['MONGOD_BINARY'] })
  }
  const { url, hear, said } = await startServer(t, env)
  const post = async (path: string, body: object) =>
    await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
  const account = { username: 'ann', password: 'a long walk home' }
  t.equal((await post('/v1/auth/register', account)).status, 201)
  const printed: string[] = []
  for (const args of [['disable', 'ann'], ['enable', 'ann', '--json'], ['config']]) {
    const { stdout, stderr } = await run(process.execPath, ['dist/server/main.js', ...args], { env })
    printed.push(stdout, stderr)
  }
  t.match(printed[0], /^ann \(user_\w+\) is disabled/)
  process.kill(Number.parseInt(read(folder, 'db/mongod.lock'), 10), 'SIGKILL')
  await hear(/The embedded database is back/)
  t.equal((await post('/v1/auth/login', account)).status, 200)
  printed.push(said())
  for (const secret of [read(folder, 'mongod.password'), read(folder, 'mongod.key')]) {
    t.notOk(printed.join('\n').includes(secret))
  }
})
