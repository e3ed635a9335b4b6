import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keptSecret, readSecret } from '../../kept-secret.ts'
import { HOST, SET, USER } from './replica-set.ts'

const KEY_BYTES = 48
const PASSWORD_FILE = 'mongod.password'

/** Secrets of an embedded database. They are in files of its folder that only their owner reads. */
export interface Credentials {
  /** Password of the members of the set, that is of `mongod` and of who runs it; another at each start. */
  readonly key: string
  readonly keyFile: string
  /** Password of Parley's user; the same at every start. */
  readonly password: string
}

/** Makes the secrets that are missing. The folder must be locked. @throws {Error} when the password's file is empty */
export async function prepareCredentials(folder: string): Promise<Credentials> {
  const password = await keptSecret(join(folder, PASSWORD_FILE), 'nothing is lost')
  const keyFile = join(folder, 'mongod.key')
  const key = randomBytes(KEY_BYTES).toString('base64')
  // A new file, because `mongod` refuses one whose mode was widened, as a restored backup may have it.
  await rm(keyFile, { force: true })
  await writeFile(keyFile, key, { mode: 0o600, flag: 'wx' })
  return { key, keyFile, password }
}

/** The password of a database that runs; `undefined` where an older Parley runs it, which made none. */
export async function readPassword(folder: string): Promise<string | undefined> {
  return await readSecret(join(folder, PASSWORD_FILE))
}

/** Connection string of an embedded database. */
export function addressOf(port: number, password: string | undefined): string {
  const user = password === undefined ? '' : `${USER}:${encodeURIComponent(password)}@`
  return `mongodb://${user}${HOST}:${port}/parley?replicaSet=${SET}${user === '' ? '' : '&authSource=admin'}`
}
