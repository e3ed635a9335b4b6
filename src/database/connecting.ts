import { MongoClient, MongoServerError, MongoServerSelectionError } from 'mongodb'
import type { Config } from '../config/config.ts'
import { PATIENCE_MS } from './availability.ts'

type DatabaseConfig = Pick<Config, 'MONGODB_POOL_SIZE'> & { readonly MONGODB_URI: string }

const WRONG_PASSWORD = 18
const ENCODE =
  'special characters in the user name and the password are percent-encoded: @ is %40, : is %3A, / is %2F, ? is %3F, % is %25'
const STAND_ALONE =
  'this MongoDB is a stand-alone server, but Parley needs transactions. Start mongod with --replSet rs0 and run rs.initiate() once'
const NOT_INITIATED = 'the replica set of this MongoDB was never set up: run rs.initiate() once, in mongosh'

/**
 * Connects to a server that can do all that is needed.
 * @throws {Error} that names `MONGODB_URI`, says what to do, and holds nothing of the password
 */
export async function connect(config: DatabaseConfig): Promise<MongoClient> {
  const client = createClient(config)
  try {
    await client.connect()
    const hello = await client.db().admin().command({ hello: 1 })
    // Of a set that was never set up, where it was asked for alone.
    if (hello['isreplicaset'] === true) throw new Error(NOT_INITIATED)
    if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid') throw new Error(STAND_ALONE)
    return client
  } catch (error) {
    await client.close()
    throw new Error(`MONGODB_URI: ${reasonOf(error, client, config.MONGODB_URI)}`, { cause: error })
  }
}

function createClient({ MONGODB_URI, MONGODB_POOL_SIZE }: DatabaseConfig): MongoClient {
  if (isBadlyEncoded(MONGODB_URI)) throw new Error(`MONGODB_URI: it cannot be read; ${ENCODE}`)
  try {
    return new MongoClient(MONGODB_URI, {
      appName: 'parley',
      maxPoolSize: MONGODB_POOL_SIZE,
      serverSelectionTimeoutMS: PATIENCE_MS,
      // A server that has stopped answering, its connections open, is noticed after the sum of these.
      heartbeatFrequencyMS: 5_000,
      connectTimeoutMS: 10_000,
      writeConcern: { w: 'majority', j: true },
      readConcern: { level: 'majority' },
      retryWrites: true,
      ignoreUndefined: false
    })
  } catch (error) {
    const hint = credentialsIn(MONGODB_URI) === '' ? '' : `; ${ENCODE}`
    throw new Error(`MONGODB_URI: ${messageOf(error, MONGODB_URI)}${hint}`)
  }
}

/** Whether what is meant for the password ends it too early: then a piece of it would be taken for the host. */
function isBadlyEncoded(uri: string): boolean {
  const [, authority = ''] = /^[^:]+:\/\/([^?]*)/.exec(uri) ?? []
  const at = authority.lastIndexOf('@')
  return /[@/]/.test(authority.slice(0, Math.max(at, 0)))
}

/** User name and password, as far as they can be told. */
function credentialsIn(uri: string): string {
  return /^[^:]+:\/\/(.*)@/.exec(uri)?.[1] ?? ''
}

/** The words of the driver, unless they repeat something of the user name or the password. */
function messageOf(error: unknown, uri: string): string {
  const message = error instanceof Error ? error.message : String(error)
  const pieces = credentialsIn(uri).split(/[:@/?#]/)
  const isTelling = pieces.some(piece => piece.length > 2 && message.includes(piece))
  return isTelling ? 'it cannot be used' : message
}

function reasonOf(error: unknown, client: MongoClient, uri: string): string {
  const message = messageOf(error, uri)
  if (error instanceof MongoServerError && error.code === WRONG_PASSWORD) {
    return `${message} Are user name, password and authSource right? Moreover, ${ENCODE}`
  }
  if (!(error instanceof MongoServerSelectionError)) return message
  const { hosts, srvHost, replicaSet } = client.options
  const place = srvHost ?? hosts.map(String).join(', ')
  const named = replicaSet ? ` named ${replicaSet}` : ''
  return `no primary of a replica set${named} answers at ${place}. Is it running, and was rs.initiate() run once? (${message})`
}
