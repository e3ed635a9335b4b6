import type { Db } from 'mongodb'

/**
 * Changes that stored data of older versions needs, by name, in their order. Each is made once. Servers that start
 * together may make it at the same time, and one that is interrupted is made again: it has to bear both.
 */
export type Migrations = Readonly<Record<string, (db: Db) => Promise<void>>>

interface MigratedDoc {
  _id: string
  migrations?: string[]
}

/** Makes those that are missing. @param made names of those that were made before */
export async function migrate(db: Db, migrations: Migrations, made: readonly string[]): Promise<void> {
  for (const [name, change] of Object.entries(migrations)) {
    if (made.includes(name)) continue
    await change(db)
    await db.collection<MigratedDoc>('meta').updateOne({ _id: 'epoch' }, { $addToSet: { migrations: name } })
  }
}
