import { connect } from 'node:net'
import { rssBytes } from '../process.ts'
import { mintUsers } from '../users.ts'
import { type Cost, Window } from './window.ts'
import type { Target } from './wire.ts'

const MEBIBYTE = 2 ** 20
const BOUNDARY = 'bench-5b1f0c'
/** Interval at which the memory is read, ms. */
const READ_MS = 50

/** Uploads at once, of one file each. */
export interface Uploads {
  readonly target: Target
  readonly files: number
  readonly mebibytes: number
}

/** Result of the load. */
export interface UploadsResult extends Cost {
  /** Most memory beyond that before the uploads, bytes. */
  readonly grownBytes: number
}

/** Uploads files at once, by different people, each as one form. */
export async function uploadAtOnce({ target, files, mebibytes }: Uploads): Promise<UploadsResult> {
  const users = await mintUsers(files)
  for (const { token } of users) await send(target, token, 1)
  const before = rssBytes(target.serverPid)
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, rssBytes(target.serverPid))
  }, READ_MS)
  const window = new Window(target)
  await Promise.all(users.map(async ({ token }) => await send(target, token, mebibytes)))
  const cost = window.cost()
  clearInterval(timer)
  return { ...cost, grownBytes: most - before }
}

/** Bytes that are no text and no picture; the same for all, written from one buffer. */
const CHUNK = Buffer.alloc(
  MEBIBYTE,
  Uint8Array.from({ length: 251 }, (_, n) => (n * 167 + 13) % 251)
)

async function send({ url }: Target, token: string, mebibytes: number): Promise<void> {
  const { hostname, port, host } = new URL(url)
  const disposition = 'Content-Disposition: form-data; name="file"; filename="film.bin"'
  const start = `--${BOUNDARY}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`
  const end = `\r\n--${BOUNDARY}--\r\n`
  const length = start.length + mebibytes * MEBIBYTE + end.length
  const socket = connect({ host: hostname, port: Number(port) })
  const answer = new Promise<string>((resolve, reject) => {
    socket.once('data', chunk => resolve(chunk.toString('latin1')))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('The server closed the connection')))
  })
  socket.write(
    `POST /v1/files HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: ${length}\r\n\r\n${start}`
  )
  for (let sent = 0; sent < mebibytes; sent++) await new Promise<void>(resolve => socket.write(CHUNK, () => resolve()))
  socket.write(end)
  const text = await answer
  socket.destroy()
  if (!text.startsWith('HTTP/1.1 201')) throw new Error(`An upload was answered with ${text}`)
}
