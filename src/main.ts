import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import { pino } from 'pino'
import type { buildApp } from './app.ts'
import { type Config, describeConfig, readConfig } from './config/config.ts'
import type { Embedded } from './database/embedded/embedded.ts'
import { connect } from './database/index.ts'

const CLOSE_TIMEOUT_MS = 30_000
/** A signal that comes again this soon is the same one: a terminal and npm both pass Ctrl-C on. */
const SAME_SIGNAL_MS = 1000
const USAGE = 'Usage: parley [config]\n  without a word: start the server\n  config: list the configuration in force\n'

/** Parts that have been started, in the order of starting. */
const running: { database?: Embedded; app?: Awaited<ReturnType<typeof buildApp>> } = {}

const [command, ...rest] = parseArgs({ allowPositionals: true, strict: false }).positionals
try {
  if (command === undefined) await start()
  else if (command === 'config' && rest.length === 0) printConfig()
  else fail(USAGE)
} catch (error) {
  fail(`${explain(error)}\n`)
  await stop().catch(() => undefined)
  process.exit()
}

async function start(): Promise<void> {
  loadDotEnv()
  const config = readConfig(process.env)
  closeOnSignals(config)
  const JWT_SECRET = config.JWT_SECRET ?? [await keptSecret(config.DATA_DIR)]
  // The database is reached, or started, while the rest of the program is read.
  const [{ buildApp }, { MONGODB_URI, connection }] = await Promise.all([import('./app.ts'), reachDatabase(config)])
  const app = await buildApp({ ...config, JWT_SECRET, MONGODB_URI }, connection)
  running.app = app
  const address = await app.listen({ port: config.PORT, host: config.HOST })
  process.stdout.write(await greeting(config, address))
}

/** Connections first, while the database still answers them. */
async function stop(): Promise<void> {
  try {
    await running.app?.close()
  } finally {
    await running.database?.stop()
  }
}

/** Names in `.env`, which a variable that is set otherwise overrides. Only a development server reads it. */
function loadDotEnv(): Set<string> {
  const before = new Set(Object.keys(process.env))
  if ((process.env['NODE_ENV'] || 'development') !== 'development') return new Set()
  try {
    process.loadEnvFile()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return new Set(Object.keys(process.env).filter(name => !before.has(name)))
}

async function reachDatabase(config: Config) {
  const MONGODB_URI = config.MONGODB_URI ?? (await ownDatabase(config))
  return { MONGODB_URI, connection: await connect({ ...config, MONGODB_URI }) }
}

async function ownDatabase({ DATA_DIR, MONGOD_BINARY, LOG_LEVEL }: Config): Promise<string> {
  const { startEmbedded } = await import('./database/embedded/embedded.ts')
  const log = pino({ level: LOG_LEVEL })
  running.database = await startEmbedded({ dataDir: DATA_DIR, binary: MONGOD_BINARY, log })
  return running.database.uri
}

/**
 * Made on the first start, so that tokens outlive a restart. Of two that start at once, both use the same; one that is
 * killed meanwhile leaves no half of it.
 */
async function keptSecret(dataDir: string): Promise<string> {
  const file = join(dataDir, 'secret')
  const draft = `${file}.${process.pid}`
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writeFile(draft, `${randomBytes(48).toString('base64')}\n`, { mode: 0o600 })
  await link(draft, file).catch(error => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(draft)
  const secret = (await readFile(file, 'utf8')).trim()
  if (secret === '') throw new Error(`${file} is empty: delete it, and a new one is made (everybody signs in anew)`)
  return secret
}

function closeOnSignals({ LOG_LEVEL }: Config): void {
  const log = pino({ level: LOG_LEVEL })
  const logger = { error: (message: unknown) => log.error({}, String(message)) }
  const { close } = closeWithGrace(
    { delay: CLOSE_TIMEOUT_MS, logger, skip: ['SIGINT', 'SIGTERM'] },
    async ({ err }) => {
      if (err) log.fatal({ err }, 'Stopping because of an error that nothing caught')
      await stop()
    }
  )
  let firstAt = 0
  const closeOnce = () => {
    if (firstAt > 0) return
    firstAt = Date.now()
    close()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      closeOnce()
      if (Date.now() - firstAt > SAME_SIGNAL_MS) process.exit(1)
    })
  }
  closeWithNpm(closeOnce)
}

/** npm passes a SIGTERM to the shell that it runs a script in, and that ends without passing it on. */
function closeWithNpm(close: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const shell = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(timer)
    close()
  }, 250)
  timer.unref()
}

async function greeting(config: Config, address: string): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  const database = running.database
    ? `its own MongoDB, data in ${resolve(config.DATA_DIR)} (${running.database.binary})`
    : `MongoDB at ${describeConfig(config, process.env).find(({ name }) => name === 'MONGODB_URI')?.value}`
  return [
    `Parley ${version} is running at ${address} (${config.NODE_ENV})`,
    `  Database  ${database}`,
    `  Try       curl ${address}/health/ready`,
    `  Connect   REST under ${address}/v1, WebSocket at ${address.replace(/^http/, 'ws')}/ws`,
    '  Stop      Ctrl-C; all settings: node dist/server/main.js config\n'
  ].join('\n')
}

function printConfig(): void {
  const dotEnv = loadDotEnv()
  const rows = describeConfig(readConfig(process.env), process.env).map(row => ({
    ...row,
    source: dotEnv.has(row.name) && row.source === 'environment' ? '.env' : row.source
  }))
  const columns = ['name', 'value', 'default', 'source'] as const
  const lines = [{ name: 'NAME', value: 'VALUE', default: 'DEFAULT', source: 'SOURCE' }, ...rows]
  const widths = columns.map(column => Math.max(...lines.map(line => line[column].length)))
  const text = lines.map(line => columns.map((column, index) => line[column].padEnd(widths[index] ?? 0)).join('  '))
  process.stdout.write(`${text.map(line => line.trimEnd()).join('\n')}\n`)
}

function fail(message: string): void {
  process.stderr.write(message)
  process.exitCode = 1
}

/** A failure that an operator can do something about in a sentence; a bug with its stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return `${message}: stop what uses it, or set PORT`
  const isBug = [TypeError, ReferenceError, RangeError, SyntaxError].some(bug => error instanceof bug)
  return isBug ? (error.stack ?? message) : message
}
