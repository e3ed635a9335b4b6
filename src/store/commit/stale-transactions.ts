import { type MongoClient, type MongoServerError, ReadConcern } from 'mongodb'

/** A process that lives does not keep a transaction waiting for its next command this long, ms. */
const STALE_MS = 2_000

/**
 * Ends transactions that a killed process has left open: the database would hold on to what they have written for a
 * minute, and everybody else's changes of it would conflict. One that was only slow is told so, and tries again.
 */
export async function endStaleTransactions(client: MongoClient, staleMs = STALE_MS): Promise<void> {
  // The only read concern that this aggregation takes.
  const admin = client.db('admin', { readConcern: new ReadConcern('local') })
  const idle = await admin
    .aggregate<{ lsid: { id: unknown } }>([
      { $currentOp: { idleSessions: true, allUsers: false } },
      {
        $match: {
          type: 'idleSession',
          appName: client.options.appName,
          'transaction.timeInactiveMicros': { $gt: staleMs * 1_000 }
        }
      },
      { $project: { 'lsid.id': 1 } }
    ])
    .toArray()
  if (idle.length > 0) await admin.command({ killSessions: idle.map(({ lsid }) => ({ id: lsid.id })) })
}

const UNAUTHORIZED = 13

/** The same as a clean-up, where the server is permitted to look at all sessions. */
export async function cleanStaleTransactions(client: MongoClient, staleMs: number): Promise<void> {
  await endStaleTransactions(client, staleMs).catch((error: MongoServerError) => {
    if (error.code !== UNAUTHORIZED) throw error
  })
}
