import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { describeConfig, readConfig } from '../src/config/config.ts'
import { ownDatabase, SECRET } from './kit/helper.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MARK = '=== next block ==='
const run = promisify(execFile)
const read = async (file: string): Promise<string> => await readFile(`${ROOT}${file}`, 'utf8')

/** Mask what differs each time: ids, by kind, and moments. */
function masked(text: string): string {
  return text
    .replace(/\b(user|conv|msg|ses)_[0-9a-f]{24}/g, '$1_…')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'moment')
    .trim()
}

/** Makes a process write as if its output were a terminal. */
const IN_TERMINAL = ['--import', 'data:text/javascript,process.stdout.isTTY=true']

interface Started {
  /** Without the scheme. */
  readonly address: string
  readonly greeting: string
}

/** Starts the server as `npm start` does in a terminal, on a free port. */
async function startProcess(t: Test, env: Record<string, string>): Promise<Started> {
  const child: ChildProcess = spawn(process.execPath, [...IN_TERMINAL, 'dist/server/main.js'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(async () => {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  })
  if (child.stdout === null) throw new Error('The server has no output')
  let greeting = ''
  for await (const line of createInterface(child.stdout)) {
    greeting += `${line}\n`
    const [, address] = /is running at http:\/\/(\S+)[\s\S]*\n {2}Stop/.exec(greeting) ?? []
    if (address !== undefined) return { address, greeting }
  }
  throw new Error('The server ended before it listened')
}

t.test('the walk-through works as printed', async t => {
  const [, section = ''] = (await read('README.md')).split('\n## Walk-through\n')
  const end = section.indexOf('\n## ')
  const blocks = [...section.slice(0, end).matchAll(/```sh\n([\s\S]*?)```\n```text\n([\s\S]*?)```/g)]
  t.ok(blocks.length >= 5)
  const DATA_DIR = join(tmpdir(), 'parley-tests')
  const env = { MONGODB_URI: ownDatabase(t), JWT_SECRET: SECRET, PORT: '0', LOG_LEVEL: 'silent', DATA_DIR }
  const { address, greeting } = await startProcess(t, env)
  t.ok(greeting.includes(`http://${address}/docs`), 'U67: the greeting names the documents')
  const script = blocks.map(([, commands = '']) => `${commands}echo '${MARK}'`).join('\n')
  const { stdout, stderr } = await run('bash', ['-c', script.replaceAll('localhost:3000', address)], {
    cwd: ROOT,
    timeout: 60_000
  })
  t.equal(stderr, '')
  const outputs = stdout.split(MARK)
  for (const [index, [, , shown = '']] of blocks.entries()) {
    t.equal(masked(outputs[index] ?? ''), masked(shown), `block ${index + 1}`)
  }
})

t.test('U72: compose.yaml comes up with JWT_SECRET alone, and opens no database', async t => {
  const compose = await read('compose.yaml')
  const [, parley = '', mongodb = ''] =
    /^ {2}parley:\n([\s\S]*)^ {2}mongodb:\n([\s\S]*?)^networks:/m.exec(compose) ?? []
  const [, environment = ''] = /^ {4}environment:\n((?: {6}.*\n)*)/m.exec(parley) ?? []
  const given = [...environment.matchAll(/^ +(\w+): (.*)$/gm)].map(([, name = '', value = '']) => [name, value])
  const env = { ...Object.fromEntries(given), JWT_SECRET: 'q8Zr2LwX0vNfKd7TtYp4sJhGcB1mEu6A' }
  t.match(readConfig(env), { NODE_ENV: 'production', OTP_DELIVERY: 'none', HOST: '0.0.0.0' })
  t.match(parley, /env_file:\n +- path: \.env\n +required: false/, 'every other variable can be set')
  t.match(parley, /ports:\n +- '127\.0\.0\.1:3000:3000'/, 'only this machine reaches the port')
  t.notMatch(mongodb, /ports:/)
  t.match(mongodb, /networks:\n +- database\n/)
  t.match(compose, /^networks:\n {2}database:\n {4}internal: true$/m, 'nothing else reaches the database')
})

t.test('docs/configuration.md has every variable with its default', async t => {
  const rows = [...(await read('docs/configuration.md')).matchAll(/^\| `([A-Z0-9_]+)` \| (.*?) ?\|/gm)]
  const described = rows.map(([, name, value]) => [name, value])
  const wanted = describeConfig(readConfig({}), {}).map(row => [row.name, row.default])
  t.strictSame(described, wanted)
})

t.test('docs/operations.md has every metric', async t => {
  const names = (text: string): string[] => [...new Set([...text.matchAll(/parley_[a-z_]+/g)].map(String))].sort()
  t.strictSame(names(await read('docs/operations.md')), names(await read('src/ops/metrics.ts')))
})

t.test('links lead to files that are there', async t => {
  for (const file of ['README.md', 'CONTRIBUTING.md', 'docs/operations.md', 'docs/configuration.md']) {
    const folder = new URL(file, `file://${ROOT}`)
    for (const [, path = ''] of (await read(file)).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      await t.resolves(access(new URL(path, folder)), `${file}: ${path}`)
    }
  }
})
