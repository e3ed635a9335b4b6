import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Answer, type Person, startServer, type TestServer } from '../kit/helper.ts'

/** Server that keeps files in a folder of its own. */
export async function startWithFiles(
  t: Test,
  { uri, env = {}, folder }: { uri?: string; env?: Record<string, string>; folder?: string } = {}
): Promise<TestServer & { readonly folder: string }> {
  const own = folder ?? (await mkdtemp(join(tmpdir(), 'parley-files-')))
  if (folder === undefined) t.teardown(async () => await rm(own, { recursive: true, force: true }))
  const server = await startServer(t, { ...(uri === undefined ? {} : { uri }), env: { DATA_DIR: own, ...env } })
  return Object.assign(server, { folder: own })
}

/** Sends a file as a form. */
export async function upload(
  { url }: Pick<TestServer, 'url'>,
  who: Pick<Person, 'token'> | undefined,
  bytes: Uint8Array<ArrayBuffer> | string,
  { name = 'file.bin', type = 'application/octet-stream', path = '/v1/files', fields = {} } = {}
): Promise<Answer> {
  const form = new FormData()
  for (const [field, value] of Object.entries(fields)) form.append(field, String(value))
  form.append('file', new Blob([bytes], { type }), name)
  const headers = who === undefined ? undefined : { authorization: `Bearer ${who.token}` }
  const response = await fetch(`${url}${path}`, { method: 'POST', body: form, ...(headers && { headers }) })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: text === '' ? undefined : JSON.parse(text) }
}

/** Fetches what an address names, without a header. */
export async function fetched(address: string, headers: Record<string, string> = {}) {
  const response = await fetch(address, { headers })
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}
