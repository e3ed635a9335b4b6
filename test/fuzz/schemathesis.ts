import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { userFolder } from '../../src/database/embedded/mongod-binary.ts'

const run = promisify(execFile)
const VERSION = '4.32.5'
const INSTALL_TIMEOUT_MS = 600_000
const REQUEST_TIMEOUT_S = 20
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance'
]
/** Answers that do not end, which it would wait for. */
const STREAMS = '/(events|sse)$'

interface Options {
  /** The OpenAPI document, and where its paths begin. */
  readonly document: object
  readonly url: string
  readonly token: string
  readonly seed: number
  readonly seconds: number
}

/** What a run of schemathesis came to. */
export interface Ran {
  readonly isGood: boolean
  readonly cases: number
  /** All that it printed. */
  readonly output: string
}

/**
 * The path of schemathesis, of one version, in a virtual environment in the user's cache folder; made at the first call.
 * @throws {Error} where there is no Python, or nothing to install from
 */
export async function findSchemathesis(): Promise<string> {
  const folder = join(userFolder(), `schemathesis-${VERSION}`)
  const program = join(folder, 'bin', 'st')
  const isThere = await access(program).then(
    () => true,
    () => false
  )
  if (isThere) return program
  await mkdir(userFolder(), { recursive: true })
  await rm(folder, { recursive: true, force: true })
  await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_TIMEOUT_MS })
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `schemathesis==${VERSION}`]
  await run(join(folder, 'bin', 'python'), pip, { timeout: INSTALL_TIMEOUT_MS })
  return program
}

/** Lets schemathesis ask for every operation of a document for so many seconds, as somebody. */
export async function runSchemathesis(program: string, options: Options): Promise<Ran> {
  const { document, url, token, seed, seconds } = options
  const folder = await mkdtemp(join(tmpdir(), 'parley-fuzz-'))
  const file = join(folder, 'openapi.json')
  await writeFile(file, JSON.stringify(document))
  const words = [
    ...['run', file, '--url', url, '--header', `Authorization: Bearer ${token}`, '--checks', CHECKS.join()],
    ...['--max-time', String(seconds), '--seed', String(seed), '--exclude-path-regex', STREAMS],
    ...['--request-timeout', String(REQUEST_TIMEOUT_S), '--request-retries', '1', '--generation-database', 'none'],
    ...['--continue-on-failure', '--suppress-health-check', 'all', '--warnings', 'off', '--no-color']
  ]
  const child = spawn(program, words, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = (): void => void child.kill()
  process.once('exit', stop)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', chunk => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close')
  process.off('exit', stop)
  await rm(folder, { recursive: true, force: true })
  return { isGood: code === 0, cases: Number(/(\d+) generated/.exec(output)?.[1] ?? 0), output }
}
