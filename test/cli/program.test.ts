import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { ownDatabase, SECRET } from '../kit/helper.ts'
import { SocketClient } from '../kit/socket-client.ts'

const MAIN = resolve('dist/server/main.js')

interface Outcome {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script of ours to its end, with a time limit that a server would meet. */
async function run(script: string, ...args: string[]): Promise<Outcome> {
  return await new Promise(done => {
    const env = { PATH: process.env['PATH'], DATA_DIR: '/dev/null/nowhere' }
    execFile(process.execPath, [script, ...args], { env, timeout: 60_000 }, (error, stdout, stderr) =>
      done({ code: error?.code ?? 0, stdout, stderr })
    )
  })
}

t.test('U68: help, version and what is not known start no server', async t => {
  const [help, short, version, flag, command] = await Promise.all([
    run(MAIN, '--help'),
    run(MAIN, '-h'),
    run(MAIN, '--version'),
    run(MAIN, '--port', '4000'),
    run(MAIN, 'confg')
  ])
  t.match(help, { code: 0, stdout: /Usage: parley .*config.*epoch/s, stderr: '' })
  t.strictSame(short, help)
  t.match(version, { code: 0, stdout: /^\d+\.\d+\.\d+\n$/, stderr: '' })
  t.match(flag, { code: 2, stdout: '', stderr: /unknown option '--port'/ })
  t.match(command, { code: 2, stdout: '', stderr: /unknown command 'confg'.*Did you mean config\?/s })
})

t.test('U68: the clients for trying things out say how it went', async t => {
  const outcomes = await Promise.all([
    run('scripts/ws.js', 'ws://127.0.0.1:1/ws'),
    run('scripts/packet.js', 'http://127.0.0.1:1/app'),
    run('scripts/ws.js', 'nonsense'),
    run('scripts/packet.js', 'nonsense')
  ])
  for (const outcome of outcomes) t.match(outcome, { code: 1, stdout: '', stderr: /./ })
  for (const script of ['scripts/ws.js', 'scripts/packet.js']) {
    t.match(await run(script, '--help'), { code: 0, stdout: /--stay/, stderr: '' })
  }
})

/** A server whose output is kept by lines; it ends with the test. */
async function serve(t: Test, cwd: string, env: NodeJS.ProcessEnv) {
  const child: ChildProcess = spawn(process.execPath, [MAIN], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const lines: string[] = []
  const output = createInterface({ input: child.stdout ?? process.stdin })
  output.on('line', line => lines.push(line))
  while (!lines.some(line => line.includes('is running'))) await once(output, 'line')
  return { child, lines }
}

t.test('what a server says on standard output, which is no terminal', async t => {
  const folder = t.testdir()
  writeFileSync(`${folder}/.env`, 'PORTT=4455\nCORS_ORIGIN=https://a.example\nWHATEVER=1\n')
  const { child, lines } = await serve(t, folder, {
    ...{ PATH: process.env['PATH'], MONGODB_URI: ownDatabase(t), JWT_SECRET: SECRET, PORT: '0' },
    ...{ MONGO_URI: 'mongodb://elsewhere/parley', OTP_DELIVER: 'smtp', HOMES: '1', DEFAULT_REGION: 'DE' }
  })
  const said = () => lines.map(line => JSON.parse(line))

  const warned = said().flatMap(({ level, name, meant }) => (level === 40 && name ? [[name, meant]] : []))
  t.strictSame(
    warned.sort(),
    [
      ['CORS_ORIGIN', 'CORS_ORIGINS'],
      ['MONGO_URI', 'MONGODB_URI'],
      ['OTP_DELIVER', 'OTP_DELIVERY'],
      ['PORTT', 'PORT'],
      ['WHATEVER', undefined]
    ],
    'U70: misspelled variables are warned of, and unknown ones of .env'
  )

  const started = said().filter(({ address }) => address !== undefined)
  t.match(started, [{ level: 30, msg: 'Parley is running', version: String, environment: 'development' }])
  t.match(started[0].database, /^MongoDB at mongodb:/, 'U71: one line says where it runs and on what')
  const { address } = started[0]

  await fetch(`${address}/v1/auth/otp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ purpose: 'register', email: 'ann@parley.example' })
  })
  while (!lines.some(line => line.includes('oneTimeCode'))) await once(child.stdout ?? child, 'data')
  t.match(
    said().find(({ oneTimeCode }) => oneTimeCode !== undefined),
    { recipient: 'ann@parley.example' },
    'U71: the line of a code says for whom it is'
  )

  const socket = await SocketClient.open(`${address.replace('http', 'ws')}/ws`)
  await once(child.kill('SIGTERM') ? child : socket.ws, 'exit')
  const [stopping, stopped] = said().slice(-2)
  t.match(stopping, { msg: /^Stopping/, connections: 1 }, 'U71: a stop says how many connections there are')
  t.match(stopped, { msg: 'Stopped' }, 'U71: and when it is done')
  t.equal(child.exitCode, 0)
})
