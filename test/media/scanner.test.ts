import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openDatabase } from '../kit/databases.ts'
import type { Person } from '../kit/helper.ts'
import { startWithFiles, upload } from './upload.ts'
import { wavOf } from './wav.ts'

/** The test file of makers of scanners, which harms nobody; in parts, so that no scanner takes this one for it. */
const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('')
const COMMAND = 'zINSTREAM\0'

type Answer = (socket: Socket, stream: Buffer) => void

/** What clamd answers to a stream. */
const honest: Answer = (socket, stream) => {
  socket.end(stream.includes(EICAR) ? 'stream: Eicar-Signature FOUND\0' : 'stream: OK\0')
}

interface Behaviour {
  readonly answer?: Answer
  /** Does something else than reading the stream. */
  readonly onConnect?: (socket: Socket) => void
  readonly maxBytes?: number
}

type Read = (bytes: number) => Promise<Buffer>

/** Reads so many bytes at a time of what comes. */
function readerOf(socket: Socket): Read {
  const parts = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let left: Buffer = Buffer.alloc(0)
  return async bytes => {
    while (left.length < bytes) {
      const { value, done } = await parts.next()
      if (done === true) throw new Error('The client has closed')
      left = Buffer.concat([left, value])
    }
    const found = left.subarray(0, bytes)
    left = left.subarray(bytes)
    return found
  }
}

/** Reads a stream as clamd does: chunks after their lengths, until an empty one. @returns nothing where it is too long */
async function readStream(read: Read, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  for (let bytes = 0; bytes <= maxBytes; ) {
    const length = (await read(4)).readUInt32BE()
    if (length === 0) return Buffer.concat(chunks)
    chunks.push(await read(length))
    bytes += length
  }
  return undefined
}

/** A server that speaks INSTREAM. @returns its address, what it has been sent, and how to make it behave otherwise */
async function startClamd(t: Test, { path, ...first }: Behaviour & { readonly path?: string } = {}) {
  const streams: Buffer[] = []
  const sockets = new Set<Socket>()
  let behaviour: Behaviour = first
  const talk = async (socket: Socket) => {
    const { answer = honest, maxBytes = 2 ** 25 } = behaviour
    const read = readerOf(socket)
    const command = await read(COMMAND.length)
    if (command.toString() !== COMMAND) return socket.end('UNKNOWN COMMAND\0')
    const stream = await readStream(read, maxBytes)
    if (stream === undefined) {
      socket.end('INSTREAM size limit exceeded. ERROR\0')
      for (;;) await read(1_000)
    }
    streams.push(stream)
    return answer(socket, stream)
  }
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => undefined))
    if (behaviour.onConnect === undefined) void talk(socket).catch(() => undefined)
    else behaviour.onConnect(socket)
  })
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const url = typeof address === 'string' ? `unix:${address}` : `tcp://127.0.0.1:${address?.port}`
  const behave = (other: Behaviour): void => {
    behaviour = other
  }
  return { url, streams, behave }
}

async function startScanned(t: Test, url: string, env: Record<string, string> = {}) {
  const server = await startWithFiles(t, { env: { CLAMD_URL: url, ...env } })
  const ann = await server.person()
  const db = (await openDatabase(t, server.uri)).db()
  const kept = async () => ({
    staged: await readdir(join(server.folder, 'uploads')).catch(() => []),
    stored: (await readdir(join(server.folder, 'files')).catch(() => [])).length,
    files: await db.collection('files').countDocuments(),
    usage: (await db.collection('fileUsage').findOne())?.['bytes'] ?? 0
  })
  return { server, ann, kept }
}

const NOTHING = { staged: [], stored: 0, files: 0, usage: 0 }

t.test('a scanner sees every file whole, and what it finds is refused and kept nowhere', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-clamd-'))
  t.teardown(async () => await rm(folder, { recursive: true, force: true }))
  for (const path of [undefined, join(folder, 'clamd.ctl')]) {
    const clamd = await startClamd(t, path === undefined ? {} : { path })
    const { server, ann, kept } = await startScanned(t, clamd.url)
    const refused = {
      status: 400,
      body: { error: { code: 'invalid', message: 'The file is harmful: Eicar-Signature' } }
    }
    t.match(await upload(server, ann, `${'x'.repeat(100_000)}${EICAR}`), refused)
    t.same(await kept(), NOTHING)
    const large = 'Nothing but words. '.repeat(70_000)
    t.equal((await upload(server, ann, large)).status, 201)
    t.equal(clamd.streams.at(-1)?.toString(), large)
  }
})

t.test('every way to upload a file goes through the scanner', async t => {
  const clamd = await startClamd(t)
  const { server, ann, kept } = await startScanned(t, clamd.url)
  const ben = (await server.person()) as Person
  const fields = { conversationId: (await server.direct(ann, ben)).slice(-24) }
  const harmful = Buffer.concat([wavOf(1), Buffer.from(EICAR)])
  for (const [path, given] of [
    ['/v1/files', {}],
    ['/upload/image', {}],
    ['/messages/upload', fields],
    ['/messages/voice', fields]
  ] as const) {
    const { status, body } = await upload(server, ann, new Uint8Array(harmful), { path, fields: given })
    t.equal(status, 400, path)
    t.match(body.error.message, /harmful/, path)
  }
  t.same(await kept(), NOTHING)
})

const FAILURES: readonly [string, Behaviour][] = [
  ['closes at once', { onConnect: socket => socket.destroy() }],
  ['closes without an answer', { answer: socket => socket.end() }],
  ['answers half', { answer: socket => socket.end('stream: OK') }],
  ['answers something else', { answer: socket => socket.end('HTTP/1.1 200 OK\0') }],
  ['answers without an end', { answer: socket => socket.write('stream: OK '.repeat(1_000)) }],
  ['cannot do it', { answer: socket => socket.end('stream: Can’t allocate memory ERROR\0') }],
  ['says that all is well before it has the file', { onConnect: socket => socket.end('stream: OK\0') }],
  ['never answers', { answer: () => undefined }],
  ['never reads', { onConnect: socket => socket.pause() }]
]

t.test('what the scanner could not look at is refused for now, or kept where that is set', async t => {
  const clamd = await startClamd(t)
  const scanned = await startScanned(t, clamd.url, { TIMINGS_SCAN_MS: '300' })
  for (const [what, behaviour] of FAILURES) {
    clamd.behave(behaviour)
    const { server, ann, kept } = scanned
    const large = 'x'.repeat(12 * 2 ** 20)
    t.match(await upload(server, ann, large), { status: 503, body: { error: { code: 'busy' } } }, what)
    t.same(await kept(), NOTHING, what)
  }
  const { url } = await startClamd(t, { answer: socket => socket.end() })
  const { server, ann } = await startScanned(t, url, { CLAMD_FAILURE: 'keep' })
  t.equal((await upload(server, ann, 'kept')).status, 201)
})

t.test('a scanner that is not there lets nothing through, and one that comes back does', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-clamd-'))
  t.teardown(async () => await rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'clamd.ctl')
  const { server, ann } = await startScanned(t, `unix:${path}`)
  t.match(await upload(server, ann, 'x'), { status: 503, body: { error: { code: 'busy' } } })
  await startClamd(t, { path })
  t.equal((await upload(server, ann, 'x')).status, 201)
})

t.test('a file that is too large for the scanner is too large, unless what it does not look at is kept', async t => {
  const { url } = await startClamd(t, { maxBytes: 1_000_000 })
  for (const [failure, status] of [
    ['refuse', 413],
    ['keep', 201]
  ] as const) {
    const { server, ann } = await startScanned(t, url, { CLAMD_FAILURE: failure })
    t.equal((await upload(server, ann, 'x'.repeat(3_000_000))).status, status, failure)
  }
})
