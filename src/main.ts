#!/usr/bin/env node
import { join, resolve } from 'node:path'
import closeWithGrace from 'close-with-grace'
import { type Logger, pino } from 'pino'
import type { buildApp } from './app.ts'
import { announceStart, warnOfNames } from './cli/announcements.ts'
import type { CommandDeps } from './cli/program.ts'
import { type Config, describeConfig, readConfig } from './config/config.ts'
import { unknownNames } from './config/unknown-names.ts'
import type { Embedded } from './database/embedded/embedded.ts'
import { connect } from './database/index.ts'
import { keptSecret } from './kept-secret.ts'
import { readVersion } from './version.ts'

const CLOSE_TIMEOUT_MS = 35_000
/** A signal that comes again this soon is the same one: a terminal and npm both pass Ctrl-C on. */
const SAME_SIGNAL_MS = 1000

/** Parts that have been started, in the order of starting. */
const running: { database?: Embedded; app?: Awaited<ReturnType<typeof buildApp>> } = {}

const args = process.argv.slice(2)
try {
  if (args.length === 0) await start()
  else await (await import('./cli/program.ts')).runCommand(args, await commandDeps())
} catch (error) {
  fail(`${explain(error)}\n`)
  await stop().catch(() => undefined)
  process.exit()
}

async function start(): Promise<void> {
  const inDotEnv = loadDotEnv()
  const config = readConfig(process.env)
  const log = pino({ level: config.LOG_LEVEL })
  const names = describeConfig(config, process.env).map(({ name }) => name)
  warnOfNames(log, unknownNames(process.env, inDotEnv, names))
  closeOnSignals(log)
  // The database is reached, or started, while the rest of the program is read.
  const [{ buildApp }, { connection, ...secrets }] = await Promise.all([
    import('./app.ts'),
    reachDatabase(config, async () => await ownDatabase(config, log))
  ])
  const app = await buildApp({ ...config, ...secrets }, connection)
  running.app = app
  const address = await listen(app, config)
  const version = await readVersion()
  announceStart(log, { version, address, environment: config.NODE_ENV, database: databaseInWords(config) })
}

async function commandDeps(): Promise<CommandDeps> {
  return { version: await readVersion(), loadDotEnv, open: openServices }
}

/** Listens without a word of Fastify's: the address is announced with the rest. */
async function listen(app: Awaited<ReturnType<typeof buildApp>>, { PORT, HOST, LOG_LEVEL }: Config): Promise<string> {
  app.log.level = 'silent'
  try {
    // Without a name Node takes every address of IPv6 and IPv4, or of IPv4 alone where there is no IPv6.
    return await app.listen({ port: PORT, host: HOST === '::' ? '' : HOST })
  } finally {
    app.log.level = LOG_LEVEL
  }
}

/** Opens what a command works on: the database of a running server, or that of none. */
async function openServices() {
  loadDotEnv()
  const config = readConfig(process.env)
  const [{ openSubjects }, { findEmbedded }] = await Promise.all([
    import('./app.ts'),
    import('./database/embedded/embedded.ts')
  ])
  // Standard output is for the answer.
  const stderr = pino.destination(2)
  const { connection, ...secrets } = await reachDatabase(
    config,
    async () => (await findEmbedded(config.DATA_DIR)) ?? (await ownDatabase(config, pino({ level: 'warn' }, stderr)))
  )
  const { admin, database, close } = await openSubjects({ ...config, ...secrets }, connection)
  return {
    admin,
    database,
    close: async () => {
      await close()
      await stop()
    }
  }
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

/** @param embedded the address of the database where none is configured */
async function reachDatabase(config: Config, embedded: () => Promise<string>) {
  const JWT_SECRET = config.JWT_SECRET ?? [await keptSecret(join(config.DATA_DIR, 'secret'), 'everybody signs in anew')]
  const MONGODB_URI = config.MONGODB_URI ?? (await embedded())
  return { JWT_SECRET, MONGODB_URI, connection: await connect({ ...config, MONGODB_URI }) }
}

async function ownDatabase({ DATA_DIR, MONGOD_BINARY }: Config, log: Logger): Promise<string> {
  const { startEmbedded } = await import('./database/embedded/embedded.ts')
  running.database = await startEmbedded({ dataDir: DATA_DIR, binary: MONGOD_BINARY, log })
  return running.database.uri
}

function closeOnSignals(log: Logger): void {
  const logger = { error: (message: unknown) => log.error({}, String(message)) }
  const { close } = closeWithGrace(
    { delay: CLOSE_TIMEOUT_MS, logger, skip: ['SIGINT', 'SIGTERM'] },
    async ({ err }) => {
      if (err) log.fatal({ err }, 'Stopping because of an error that nothing caught')
      await stop()
      log.info('Stopped')
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

function databaseInWords(config: Config): string {
  if (running.database) return `its own MongoDB, data in ${resolve(config.DATA_DIR)} (${running.database.binary})`
  return `MongoDB at ${describeConfig(config, process.env).find(({ name }) => name === 'MONGODB_URI')?.value}`
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
