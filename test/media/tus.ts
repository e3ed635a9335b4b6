import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer, Person, TestServer } from '../kit/helper.ts'

const VERSION = { 'tus-resumable': '1.0.0' }
const BYTES = { 'content-type': 'application/offset+octet-stream' }

/** Asks as a client of tus does. */
export async function tus(
  { url }: Pick<TestServer, 'url'>,
  who: Pick<Person, 'token'> | undefined,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: Uint8Array<ArrayBuffer> | string
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...VERSION, ...(who === undefined ? {} : { authorization: `Bearer ${who.token}` }), ...headers },
    ...(body === undefined ? {} : { body })
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: text === '' ? undefined : JSON.parse(text) }
}

/** Begins an upload. @returns its path */
export async function begin(
  server: Pick<TestServer, 'url'>,
  who: Pick<Person, 'token'>,
  length: number,
  headers: Record<string, string> = {}
): Promise<string> {
  const begun = await tus(server, who, 'POST', '/v1/uploads', { 'upload-length': `${length}`, ...headers })
  if (begun.status !== 201) throw new Error(begun.text)
  return begun.headers.get('location') ?? ''
}

/** Sends bytes of an upload, from an offset on. */
export async function send(
  server: Pick<TestServer, 'url'>,
  who: Pick<Person, 'token'>,
  path: string,
  offset: number,
  body: Uint8Array<ArrayBuffer> | string
): Promise<Answer> {
  return await tus(server, who, 'PATCH', path, { ...BYTES, 'upload-offset': `${offset}` }, body)
}

/** Where an upload goes on. */
export async function offsetOf(server: Pick<TestServer, 'url'>, who: Pick<Person, 'token'>, path: string) {
  const { status, headers } = await tus(server, who, 'HEAD', path)
  return status === 200 ? Number(headers.get('upload-offset')) : status
}

/** Waits until so many bytes of an upload are there. */
export async function received({ folder }: { readonly folder: string }, path: string, bytes: number): Promise<void> {
  const place = join(folder, 'uploads', path.slice(-24))
  while ((await stat(place)).size < bytes) await pause(2)
}

/** Metadata of an upload, as its header has it. */
export function named(name: string): Record<string, string> {
  return { 'upload-metadata': `filename ${Buffer.from(name).toString('base64')},other` }
}

/** Begins to send bytes, and leaves the connection open without the rest. */
export async function stalled(
  { url }: Pick<TestServer, 'url'>,
  who: Pick<Person, 'token'>,
  path: string,
  { offset = 0, length = 1_000, body = '' } = {}
): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const headers = { host: 'x', authorization: `Bearer ${who.token}`, ...VERSION, ...BYTES }
  const head = Object.entries({ ...headers, 'upload-offset': offset, 'content-length': length })
  socket.write(`PATCH ${path} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
  return socket
}

/** Uploads a text in two pieces. @returns the file */
export async function uploadInPieces(server: Pick<TestServer, 'url'>, who: Pick<Person, 'token'>, text: string) {
  const path = await begin(server, who, Buffer.byteLength(text))
  await send(server, who, path, 0, text.slice(0, 1))
  return (await send(server, who, path, 1, text.slice(1))).body
}
