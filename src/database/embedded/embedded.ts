import { mkdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { addressOf, prepareCredentials, readPassword } from './credentials.ts'
import { type EmbeddedLog, Mongod } from './mongod.ts'
import { findMongod, userFolder } from './mongod-binary.ts'
import { isFolderHeld, lockFolder } from './processes.ts'

/** Options for running the database. */
export interface EmbeddedOptions {
  /** Holds data, credentials, log and lock; made when it is not there. */
  dataDir: string
  /** The `mongod` to run; found or fetched when not given. */
  binary?: string | undefined
  log: EmbeddedLog
  /** More arguments for `mongod`. */
  args?: string[]
}

/** A database that is ready for writes, and is repaired when its process dies. */
export interface Embedded {
  /** A single-node replica set, with the password; the same after a repair. */
  readonly uri: string
  /** Of the process that runs now. */
  readonly pid: number
  readonly binary: string
  /** Ends the database in good order and gives the folder back. */
  stop(): Promise<void>
}

/**
 * Starts a MongoDB of its own on a data folder, old or new: a single-node replica set on the loopback interface, for
 * who knows its password. What a killed Parley has left there (lock, running `mongod`) is cleared away first.
 * @throws {Error} with a message for the operator: folder in use, no `mongod`, or one that stops
 */
export async function startEmbedded({ dataDir, binary, log, args = [] }: EmbeddedOptions): Promise<Embedded> {
  await mkdir(join(dataDir, 'db'), { recursive: true, mode: 0o700 })
  const folder = await realpath(dataDir)
  const unlock = await lockFolder(folder)
  try {
    const program = await findMongod({ binary, folders: [userFolder(), join(folder, 'bin')] })
    const credentials = await prepareCredentials(folder)
    const mongod = new Mongod({ program, folder, credentials, args, log })
    await mongod.start()
    return {
      uri: addressOf(mongod.port, credentials.password),
      get pid() {
        return mongod.pid
      },
      binary: program,
      stop: async () => {
        await mongod.stop()
        await unlock()
      }
    }
  } catch (error) {
    await unlock()
    throw error
  }
}

/** Address of the database that another Parley runs on a data folder, with the password; `undefined` where none does. */
export async function findEmbedded(dataDir: string): Promise<string | undefined> {
  if (!(await isFolderHeld(dataDir))) return undefined
  const port = Number.parseInt(await readFile(join(dataDir, 'port'), 'utf8'), 10)
  return addressOf(port, await readPassword(dataDir))
}
