import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ObjectId } from 'mongodb'
import type { Test } from 'tap'
import type { DatabaseClock } from '../../src/database/index.ts'
import { DiskStore } from '../../src/media/storage/disk.ts'
import { FileStore } from '../../src/media/store.ts'
import { UnusedFiles } from '../../src/media/unused.ts'
import { FileUses } from '../../src/media/uses/store.ts'
import { openDatabase } from '../kit/databases.ts'
import type { Person } from '../kit/helper.ts'
import { startWithFiles } from './upload.ts'

export const HOUR_MS = 3_600_000

/** A server, and the clean-up as it is so many hours later. */
export async function scene(t: Test) {
  const server = await startWithFiles(t)
  const client = await openDatabase(t, server.uri)
  const db = client.db()
  const files = new FileStore(client, db)
  const folder = join(server.folder, 'files')
  const cleanAfter = async (hours: number) => {
    const clock = { now: () => Date.now() + hours * HOUR_MS } as DatabaseClock
    await new UnusedFiles({
      store: { files, fileUses: new FileUses(db) },
      storage: new DiskStore(folder),
      clock,
      onError: error => t.fail(String(error))
    }).remove()
  }
  const kept = async () =>
    (await readdir(folder, { recursive: true, withFileTypes: true })).filter(it => it.isFile()).length
  const usage = async ({ hex }: Person) => await files.usageOf(new ObjectId(hex))
  return { server, db, files, cleanAfter, kept, usage }
}
