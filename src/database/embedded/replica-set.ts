import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Db, type Document, MongoClient } from 'mongodb'
import { omitUndefined } from '../../omit-undefined.ts'

/** The embedded replica set's name. */
export const SET = 'rs0'
/** The only address that the embedded database listens on. */
export const HOST = '127.0.0.1'
/** Name of Parley's user of the embedded database; it is defined in `admin`. */
export const USER = 'parley'
const READY_TIMEOUT_MS = 120_000

/** Secrets of a set that lets nobody in without. */
interface Access {
  /** Content of its key file: lets in, before there is any user, as a member of the set. */
  readonly key: string
  /** Password of Parley's user. */
  readonly password: string
}

async function untilListening(port: number, signal: AbortSignal): Promise<void> {
  const until = Date.now() + READY_TIMEOUT_MS
  while (Date.now() < until) {
    signal.throwIfAborted()
    const socket = connect(port, HOST)
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false
    )
    socket.destroy()
    if (isOpen) return
    await sleep(25, undefined, { signal })
  }
  throw new Error('it does not listen')
}

/**
 * Waits for the `mongod` at a port, sets its replica set up when that is new or lived at another port, and answers when
 * it takes writes, of Parley's user where it has a key. @throws {Error} when it does not within two minutes, or the
 * signal aborts
 */
export async function untilPrimary(port: number, signal: AbortSignal, access?: Access): Promise<void> {
  await untilListening(port, signal)
  const client = connectDirectly(port, access)
  const until = Date.now() + READY_TIMEOUT_MS
  let failure: unknown
  try {
    while (Date.now() < until) {
      signal.throwIfAborted()
      // States change and connections break while a set comes up; only the end of the time is a failure.
      try {
        if (await isReady(client.db('admin'), `${HOST}:${port}`)) {
          if (access !== undefined) await ensureUser(client.db('admin'), access.password)
          return
        }
      } catch (error) {
        failure = error
      }
      await sleep(25, undefined, { signal })
    }
  } finally {
    await client.close()
  }
  throw new Error('it does not become ready for writes', { cause: failure })
}

function connectDirectly(port: number, access: Access | undefined): MongoClient {
  const auth = access && { username: '__system', password: access.key }
  return new MongoClient(
    `mongodb://${HOST}:${port}/?directConnection=true`,
    omitUndefined({ serverSelectionTimeoutMS: 2000, auth, authSource: access && 'local' })
  )
}

async function isReady(admin: Db, host: string): Promise<boolean> {
  const hello = await admin.command({ hello: 1 })
  if (hello['isWritablePrimary'] && hello['me'] === host) return true
  const config = await admin.client.db('local').collection<Document>('system.replset').findOne()
  if (config === null) {
    await admin.command({ replSetInitiate: { _id: SET, members: [{ _id: 0, host }] } })
  } else if (config['members'][0].host !== host) {
    const members = [{ ...config['members'][0], host }]
    await admin.command({ replSetReconfig: { ...config, version: config['version'] + 1, members }, force: true })
  }
  return false
}

/** Makes Parley's user where there is none, and gives it the password where it has another. */
async function ensureUser(admin: Db, password: string): Promise<void> {
  const passwordHash = createHash('sha256').update(password).digest('hex')
  const { users } = await admin.command({ usersInfo: USER })
  if (users[0]?.customData?.passwordHash === passwordHash) return
  await admin.command({
    [users.length > 0 ? 'updateUser' : 'createUser']: USER,
    ...{ pwd: password, mechanisms: ['SCRAM-SHA-256'], roles: ['root'], customData: { passwordHash } }
  })
}
