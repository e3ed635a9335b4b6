import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { MongoClient } from 'mongodb'
import type { Test } from 'tap'
import { startEmbedded } from '../../src/database/embedded/embedded.ts'
import type { EmbeddedLog } from '../../src/database/embedded/mongod.ts'
import { commandLine } from '../../src/database/embedded/processes.ts'

const PROGRAM = fileURLToPath(new URL('./embedded-process.js', import.meta.url))
/** A log that nobody reads. */
export const silent: EmbeddedLog = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** Removed after everything that the test ends: not under a database that still runs. */
export function newFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-embedded-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A database in this process, with the `mongod` of the tests. */
export function start(dataDir: string, log = silent) {
  return startEmbedded({ dataDir, binary: process.env['MONGOD_BINARY'], log })
}

/** Another process that starts a database on the folder. The caller ends both. */
export function spawnProcess(dataDir: string, env: NodeJS.ProcessEnv = {}) {
  const args = [PROGRAM, dataDir]
  return spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Another process with a database of its own on the folder; both are gone at the end of the test. */
export async function startProcess(t: Test, dataDir: string, env: NodeJS.ProcessEnv = {}) {
  const child = spawnProcess(dataDir, env)
  const [line] = await once(child.stdout, 'data')
  const said: { uri: string; pid: number; refused?: string } = JSON.parse(String(line))
  t.teardown(async () => {
    await kill(child)
    if (said.pid) await killMongod(said.pid, dataDir)
  })
  return { child, ...said }
}

/** `kill -9`; resolves when it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** Only when the number still means the one on this folder. */
export async function killMongod(pid: number, dataDir: string): Promise<void> {
  const isThere = async () => (await commandLine(pid)).includes(dataDir)
  if (await isThere()) process.kill(pid, 'SIGKILL')
  while (await isThere()) await sleep(10)
}

/** Does some work with a client of its own. */
export async function connected<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(uri, { writeConcern: { w: 'majority', journal: true } })
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}

/** Stores a name so that it is kept. */
export const insert = (uri: string, name: string) =>
  connected(uri, async client => {
    await client.db().collection<{ _id: string }>('kept').insertOne({ _id: name })
  })
/** All names stored. */
export const names = (uri: string) =>
  connected(uri, async client => {
    const found = await client.db().collection<{ _id: string }>('kept').find().sort({ _id: 1 }).toArray()
    return found.map(({ _id }) => _id)
  })
