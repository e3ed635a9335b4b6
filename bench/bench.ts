import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DEFAULT_LIMITS } from '../protocol/limits.ts'
import type { BenchDatabase } from './database.ts'
import type { ScenarioName, ScenarioParams, ScenarioResult } from './load/scenarios.ts'
import type { Target } from './load/wire.ts'
import type { Options } from './options.ts'
import { ProcessGroup, type RunningServer } from './process.ts'
import { JWT_SECRET } from './users.ts'

/** Lifted so that no rule of Parley's answers for the speed; sizes stay as they are. */
const LIFTED = 1_000_000
const KEPT: readonly string[] = [
  'frameInBytes',
  'frameOutBytes',
  'textBytes',
  'depth',
  'groupMembers',
  'membersPerCommand'
]
/** Parley as `npm start` starts it. */
const SERVER = '../server/main.js'
const COLLECT_GARBAGE = ['--expose-gc', '--import', new URL('./peers/collect-garbage.js', import.meta.url).href]

/** A server under test, with the database of its own that is dropped when it stops. */
export interface Side {
  readonly target: Target
  /** From the start of its process to its first answer. */
  readonly readyMs: number
  stop(): Promise<void>
}

/** Options for starting a side. */
export interface SideOptions {
  /** A database that outlives the side; by default it gets a new one. */
  readonly database?: string
  /** Whether the limits stay as they are by default. */
  readonly hasDefaultLimits?: boolean
  /** Whether `idle` may have it collect its garbage. */
  readonly isCollectable?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** The path that answers 200 once the side is up. */
  readonly readyPath?: string
  /** Parley's program, if it is not this one, and the limits that it knows. */
  readonly script?: string | undefined
  readonly limits?: string[] | undefined
}

/** Resources that the cases of a run share: options, database, processes. */
export class Bench {
  readonly options: Options
  readonly database: BenchDatabase
  readonly #processes = new ProcessGroup()
  readonly #folders: string[] = []
  #databases = 0

  constructor(options: Options, database: BenchDatabase) {
    this.options = options
    this.database = database
  }

  /** A database name that this run has not used. */
  newDatabase(): string {
    return `parley_bench_${process.pid}_${++this.#databases}`
  }

  /** Starts Parley as `npm start` would run it, with its limits on speed lifted. */
  async startParley(options: SideOptions = {}): Promise<Side> {
    const dataDir = await mkdtemp(join(tmpdir(), 'parley-bench-'))
    this.#folders.push(dataDir)
    const env = {
      ...(!options.hasDefaultLimits && liftedLimits(options.limits)),
      NODE_ENV: 'development',
      LOG_LEVEL: 'warn',
      JWT_SECRET,
      AUTH_AUTOPROVISION: 'true',
      DATA_DIR: dataDir,
      ...options.env
    }
    return await this.#start('parley', options.script ?? SERVER, '/health/live', { ...options, env })
  }

  /** Starts the fifth document's server. */
  async startTaatom(layout: 'embedded' | 'documents'): Promise<Side> {
    return await this.#start('taatom', './peers/taatom.js', '/health', { env: { LAYOUT: layout, JWT_SECRET } })
  }

  /** Starts Express, Socket.IO and Mongoose with nothing on them. */
  async startBareExpress(options: SideOptions = {}): Promise<Side> {
    return await this.#start('bare', './peers/bare-express.js', '/health', options)
  }

  /** Starts bare `ws`. @param frameBytes what it pads a frame to */
  async startBareWs(frameBytes: number, options: SideOptions = {}): Promise<Side> {
    const env = { FRAME_BYTES: String(frameBytes) }
    return await this.#start('bare', './peers/bare-ws.js', '/', { ...options, env })
  }

  /** Starts Fastify with one plugin: it serves the files of a folder, or takes files into it. */
  async startBareFiles(plugin: 'static' | 'multipart', folder: string): Promise<Side> {
    const readyPath = plugin === 'static' ? '/page.json' : '/'
    return await this.#start('bare', `./peers/bare-${plugin}.js`, readyPath, { env: { FOLDER: folder } })
  }

  /** Starts a server for clients of socket.io: Parley, or `socket.io` alone. */
  async startPackets(side: 'parley' | 'bare', options: SideOptions = {}): Promise<Side> {
    if (side === 'bare') return await this.#start('packets', './peers/bare-socketio.js', '/', options)
    const parley = await this.startParley(options)
    return { ...parley, target: { ...parley.target, kind: 'packets' } }
  }

  /**
   * Runs a scenario in a new load process.
   * @param stopWhen for a scenario that goes on until it is told: it is told when this settles
   * @throws what goes wrong there
   */
  async load<Name extends ScenarioName>(
    scenario: Name,
    params: ScenarioParams<Name>,
    stopWhen?: Promise<unknown>
  ): Promise<ScenarioResult<Name>> {
    const script = fileURLToPath(new URL('./load/main.js', import.meta.url))
    const answer = await this.#processes.ask(script, { scenario, params }, stopWhen)
    const { result, error } = answer as { result: ScenarioResult<Name>; error?: string }
    if (error !== undefined) throw new Error(`The load failed in ${scenario}: ${error}`)
    return result
  }

  /** Says how far the run is. */
  progress(text: string): void {
    process.stdout.write(`  ${text}\n`)
  }

  /** Ends whatever is still there; also after a failure. */
  async close(): Promise<void> {
    await this.#processes.stopAll()
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true })
    for (let index = 1; index <= this.#databases; index++) {
      await this.database.drop(`parley_bench_${process.pid}_${index}`)
    }
    await this.database.stop()
  }

  async #start(kind: Target['kind'], script: string, readyPath: string, options: SideOptions): Promise<Side> {
    const name = options.database ?? this.newDatabase()
    const mongoUri = this.database.uri(name)
    const server: RunningServer = await this.#processes.startServer({
      script: isAbsolute(script) ? script : fileURLToPath(new URL(script, import.meta.url)),
      env: { ...options.env, MONGODB_URI: mongoUri },
      nodeArgs: options.isCollectable ? COLLECT_GARBAGE : [],
      readyPath: options.readyPath ?? readyPath
    })
    const { url, pid: serverPid, readyMs } = server
    const stop = async () => {
      await server.stop()
      if (options.database === undefined) await this.database.drop(name)
    }
    return { target: { kind, url, mongoUri, serverPid, mongodPid: this.database.pid }, readyMs, stop }
  }
}

function liftedLimits(known = Object.keys(DEFAULT_LIMITS)): Record<string, string> {
  const names = known.filter(name => !KEPT.includes(name))
  const lifted = names.map(name => [
    `LIMITS_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`,
    String(LIFTED)
  ])
  return { ...Object.fromEntries(lifted), LIMITS_COMMANDS_IN_FLIGHT: '1000' }
}
