import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { io } from 'socket.io-client'
import { startEmbedded } from '../src/database/embedded/embedded.ts'
import { userFolder } from '../src/database/embedded/mongod-binary.ts'
import { SocketClient } from '../test/kit/socket-client.ts'

// `npm run versions`: starts the compiled server on the newest release of each Node that is supported, lets two people
// register, send and receive on it, and stops it. The releases are packages of the npm registry, and are kept in the
// folder where the fetched MongoDB is.
const MAJORS = [22, 24]
const TIMEOUT_MS = 300_000
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** Somebody who has registered. */
interface Account {
  readonly accessToken: string
  readonly user: { readonly id: string }
}

setTimeout(() => {
  console.error(`No end within ${TIMEOUT_MS / 1000} s`)
  process.exit(1)
}, TIMEOUT_MS).unref()
const dataDir = await mkdtemp(join(tmpdir(), 'parley-versions-'))
try {
  const programs = await fetchNodes()
  const log = { info: () => undefined, warn: console.warn, error: console.error }
  const database = await startEmbedded({ dataDir, binary: process.env['MONGOD_BINARY'], log })
  try {
    for (const program of programs) await tryOn(program, database.uri)
  } finally {
    await database.stop()
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
} finally {
  await rm(dataDir, { recursive: true, force: true })
}

/** The programs of the newest releases. @throws {Error} when there is none yet and it cannot be fetched */
async function fetchNodes(): Promise<string[]> {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const packages = MAJORS.map(major => `node-${major}@npm:node-${platform}-${process.arch}@${major}`)
  const folder = join(userFolder(), 'nodes')
  const program = join('bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const programs = MAJORS.map(major => join(folder, 'node_modules', `node-${major}`, program))
  await mkdir(folder, { recursive: true })
  const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder]
  try {
    await run('npm', ['install', ...options, ...packages], { cwd: folder, shell: process.platform === 'win32' })
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    const areKept = await Promise.all(programs.map(async it => await access(it))).then(
      () => true,
      () => false
    )
    if (!areKept) throw new Error(`Node cannot be fetched (npm install ${packages.join(' ')}):\n${stderr}`)
    console.warn('Node cannot be fetched; what was fetched before is used')
  }
  return programs
}

async function tryOn(program: string, mongoUri: string): Promise<void> {
  const { stdout: version } = await run(program, ['--version'])
  const server = start(program, mongoUri)
  const complaints: string[] = []
  server.stderr?.on('data', chunk => complaints.push(String(chunk)))
  try {
    await talk(await address(server))
    await stop(server)
    if (complaints.length > 0) throw new Error('The server complained')
  } catch (error) {
    const { message } = error as Error
    throw new Error(`Node ${version.trim()}: ${message}\n${complaints.join('')}`, { cause: error })
  } finally {
    server.kill('SIGKILL')
  }
  console.log(`Node ${version.trim()}: started, registered, sent, received, stopped`)
}

function start(program: string, mongoUri: string): ChildProcess {
  const server = spawn(program, ['dist/server/main.js'], {
    cwd: ROOT,
    env: {
      ...{ PATH: process.env['PATH'], NODE_ENV: 'test', HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info' },
      ...{ MONGODB_URI: mongoUri, JWT_SECRET: randomBytes(48).toString('base64') }
    },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const end = () => server.kill('SIGKILL')
  process.once('exit', end)
  server.once('exit', () => process.off('exit', end))
  return server
}

/** Stops it as an operator does. @throws {Error} when it does not end well */
async function stop(server: ChildProcess): Promise<void> {
  const exited = once(server, 'exit')
  server.kill('SIGTERM')
  const [code] = await exited
  if (code !== 0) throw new Error(`The server ended with ${code}`)
}

/** Where the server listens, once it does. */
async function address({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('The server has no output')
  for await (const line of createInterface(stdout)) {
    const [, url] = /"address":"(http:\/\/[^"]+)"/.exec(line) ?? []
    if (url !== undefined) return url
  }
  throw new Error('The server ended before it listened')
}

/** Sends as one person; another hears it on the socket, and by a client of socket.io. */
async function talk(url: string): Promise<void> {
  const [ada, bob] = await Promise.all([register(url), register(url)])
  const { id } = await post<{ id: string }>(url, '/v1/conversations', { type: 'direct', userId: bob.user.id }, ada)
  const socket = await SocketClient.open(`${url.replace('http', 'ws')}/ws`)
  await socket.ask('hello', { token: bob.accessToken })
  const packets = io(`${url}/mobile`, { auth: { token: bob.accessToken }, reconnection: false })
  await new Promise((resolve, reject) =>
    packets.once('connect', () => resolve(undefined)).once('connect_error', reject)
  )
  const heard = new Promise(resolve => packets.onAny((_name, data) => isHeard(data) && resolve(undefined)))
  await post(url, `/v1/conversations/${id}/messages`, { clientId: 'first', text: 'Are you there?' }, ada)
  const { data } = await socket.next('message:new')
  if (!isHeard(data)) throw new Error(`Another message came: ${JSON.stringify(data)}`)
  await heard
  packets.close()
  socket.ws.close()
  await socket.closed
}

function isHeard(data: unknown): boolean {
  return JSON.stringify(data).includes('Are you there?')
}

async function register(url: string): Promise<Account> {
  const username = `u${Math.random().toString(36).slice(2)}`
  return await post<Account>(url, '/v1/auth/register', { username, password: 'a long walk home' })
}

async function post<Body>(url: string, path: string, body: object, who?: Account): Promise<Body> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(who && { authorization: `Bearer ${who.accessToken}` }) },
    body: JSON.stringify(body)
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${text}`)
  return JSON.parse(text)
}
