import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { MongoClient, ObjectId } from 'mongodb'
import type { Test } from 'tap'
import { findMongod } from '../../src/database/embedded/mongod-binary.ts'
import { HOST, SET, untilPrimary } from '../../src/database/embedded/replica-set.ts'
import type { ConversationDoc, MemberDoc, MessageDoc } from '../../src/store/documents.ts'
import { mintToken, testEnv } from '../kit/helper.ts'
import { freePort } from '../kit/ports.ts'
import type { Dump } from './history.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Person with an account. */
export interface Somebody {
  id: string
  token: string
}

/** A process that can be killed and started again; it ends with the test. */
abstract class Killable {
  #child: ChildProcess | undefined

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    const child = this.launch()
    this.#child = child
    const end = () => child.kill('SIGKILL')
    process.once('exit', end)
    child.once('exit', () => process.off('exit', end))
    await this.untilReady(child)
  }

  /** Stops to answer, its connections open, until it is killed; resolves when none of its threads runs any more. */
  async freeze(): Promise<void> {
    this.#child?.kill('SIGSTOP')
    while (!(await isStopped(this.#child?.pid))) await sleep(5)
  }

  /** `kill -9`, at once; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Stops it as an operator does. @returns the code that it ends with, or the signal that ended it */
  async stop(): Promise<number | NodeJS.Signals | undefined> {
    return await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | undefined> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return undefined
    const gone = once(child, 'exit')
    child.kill(signal)
    const [code, endedBy] = await gone
    return code ?? endedBy
  }

  protected abstract launch(): ChildProcess

  protected abstract untilReady(child: ChildProcess): Promise<void>
}

/** A database of its own, which nobody repairs. */
export class MongodProcess extends Killable {
  readonly uri: string
  readonly #binary: string
  readonly #folder: string
  readonly #port: number

  private constructor(binary: string, folder: string, port: number) {
    super()
    this.#binary = binary
    this.#folder = folder
    this.#port = port
    this.uri = `mongodb://${HOST}:${port}/parley?replicaSet=${SET}`
  }

  /** Runs until the end of the test. */
  static async run(t: Test): Promise<MongodProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'parley-crash-'))
    const mongod = new MongodProcess(
      await findMongod({ binary: process.env['MONGOD_BINARY'] }),
      folder,
      await freePort()
    )
    t.teardown(async () => {
      await mongod.kill()
      await rm(folder, { recursive: true, force: true })
    })
    await mongod.start()
    return mongod
  }

  protected launch(): ChildProcess {
    const args = [
      ...[
        '--replSet',
        SET,
        '--dbpath',
        this.#folder,
        '--bind_ip',
        HOST,
        '--port',
        String(this.#port),
        '--nounixsocket'
      ],
      ...['--wiredTigerCacheSizeGB', '0.5', '--oplogSize', '256', '--quiet'],
      ...['--setParameter', 'diagnosticDataCollectionEnabled=false']
    ]
    return spawn(this.#binary, args, { stdio: 'ignore' })
  }

  protected async untilReady(child: ChildProcess): Promise<void> {
    const over = new AbortController()
    child.once('exit', () => over.abort(new Error('The database stopped while it was starting')))
    await untilPrimary(this.#port, over.signal)
  }
}

/** A server as an operator runs it, on a port of its own. */
export class ServerProcess extends Killable {
  readonly url: string
  /** Standard output of all its processes, by lines. */
  readonly output: string[] = []
  readonly #env: Record<string, string>

  private constructor(uri: string, port: number, env: Record<string, string>) {
    super()
    this.#env = testEnv(uri, { PORT: String(port), LOG_LEVEL: 'info', ...env })
    this.url = `http://127.0.0.1:${port}`
  }

  /** Runs on the database until the end of the test. */
  static async run(t: Test, uri: string, env: Record<string, string> = {}): Promise<ServerProcess> {
    const server = new ServerProcess(uri, await freePort(), env)
    t.teardown(async () => await server.kill())
    await server.start()
    return server
  }

  /** A REST call that must succeed. @returns the answer's body */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  async call(who: Somebody, method: string, path: string, body?: unknown): Promise<any> {
    const response = await fetch(`${this.url}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${who.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  /** New people whom the server has seen. @param lifeS of their tokens, seconds */
  async people(count: number, lifeS?: number): Promise<Somebody[]> {
    return await Promise.all(
      Array.from({ length: count }, async () => {
        const hex = new ObjectId().toHexString()
        const somebody = { id: `user_${hex}`, token: await mintToken(hex, {}, lifeS) }
        await this.call(somebody, 'GET', '/auth/me')
        return somebody
      })
    )
  }

  protected launch(): ChildProcess {
    return spawn(process.execPath, [join('dist', 'server', 'main.js')], {
      cwd: ROOT,
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'inherit']
    })
  }

  protected async untilReady(child: ChildProcess): Promise<void> {
    const over = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`The server stopped while it was starting: ${code ?? signal}`)
    })
    const ready = new Promise<void>(resolve => {
      createInterface({ input: child.stdout ?? process.stdin }).on('line', line => {
        this.output.push(line)
        if (line.includes('Parley is running')) resolve()
      })
    })
    // It says that it is ready; that it ends later is what these tests are about.
    await Promise.race([ready, over])
    over.catch(() => undefined)
  }
}

/** Whether all threads of a process are stopped. Where the system does not tell, it is taken for so. */
async function isStopped(pid: number | undefined): Promise<boolean> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => [])
  const states = await Promise.all(
    tasks.map(async task => await readFile(`/proc/${pid}/task/${task}/stat`, 'latin1').catch(() => ') T'))
  )
  return states.every(stat => /^.*\) [Tt]/.test(stat))
}

/** Dump of everything stored, read as committed. */
export async function dumpDatabase(uri: string): Promise<Dump> {
  const client = new MongoClient(uri, { readConcern: { level: 'majority' } })
  try {
    const db = client.db()
    const conversations = await db.collection<ConversationDoc>('conversations').find().toArray()
    const messages = await db.collection<MessageDoc>('messages').find().sort({ conversationId: 1, seq: 1 }).toArray()
    const members = await db.collection<MemberDoc>('members').find().toArray()
    return {
      conversations: conversations.map(({ _id, rev, seq, selfRev }) => ({ id: `conv_${_id}`, rev, seq, selfRev })),
      messages: messages.map(({ _id, conversationId, seq, rev, createdRev, senderId, clientId, text, type }) => ({
        ...{ id: `msg_${_id}`, conversationId: `conv_${conversationId}`, senderId: `user_${senderId}` },
        // What the server writes by itself has no clientId.
        ...{ seq, rev, createdRev, clientId: clientId ?? `note ${seq}`, text, type }
      })),
      members: members.map(({ conversationId, userId, rev, deliveredSeq, readSeq }) => ({
        ...{ conversationId: `conv_${conversationId}`, userId: `user_${userId}` },
        ...{ rev, deliveredSeq, readSeq }
      }))
    }
  } finally {
    await client.close()
  }
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
