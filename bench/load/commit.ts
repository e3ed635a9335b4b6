import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient, ObjectId } from 'mongodb'
import { batchDocument, groupInsertHeadAfter, groupTransaction, inlineHead } from '../commit/grouped.ts'
import { counterThenInsert, oneWrite, transactionEach } from '../commit/single.ts'
import { type Draft, type Ground, prepareGround, type Strategy } from '../commit/strategy.ts'
import { Histogram } from '../stats.ts'
import { type Cost, Window } from './window.ts'

const WARM_UP_MS = 1_000

/** Ways of committing that are compared, by name in the report. */
export const STRATEGIES = {
  'one write a message': oneWrite,
  'counter, then insert': counterThenInsert,
  'a transaction a message': transactionEach,
  'group insert, head after': groupInsertHeadAfter,
  'group transaction with compare-and-set': ground => groupTransaction(ground),
  'the same in two lanes': ground => groupTransaction(ground, 2),
  'idea: a document a batch': batchDocument,
  'idea: head carries its tail': inlineHead
} as const satisfies Record<string, (ground: Ground) => Strategy>

/** The name of a strategy. */
export type StrategyName = keyof typeof STRATEGIES

/** Load on one strategy: a closed loop of senders in pairs, in the load's own process. */
export interface Commit {
  readonly mongoUri: string
  readonly mongodPid: number
  readonly strategy: StrategyName
  readonly senders: number
  readonly seconds: number
}

/** Result; `serverCpuMs` is this process's. */
export interface CommitResult extends Cost {
  readonly committed: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Runs one strategy on a database of its own. */
export async function commitMessages(params: Commit): Promise<CommitResult> {
  const { mongoUri, mongodPid, strategy: name, senders, seconds } = params
  const client = new MongoClient(mongoUri, {
    writeConcern: { w: 'majority', journal: true },
    readConcern: { level: 'majority' }
  })
  const ground = await prepareGround(client, client.db(), Math.ceil(senders / 2))
  const strategy = STRATEGIES[name](ground)
  const histogram = new Histogram()
  let isRunning: boolean = true
  let isMeasuring: boolean = false
  let committed = 0
  const send = async (draft: Omit<Draft, 'clientId'>) => {
    for (let n = 0; isRunning; n++) {
      const startedAt = performance.now()
      await strategy.commit({ ...draft, clientId: `bench-${n}` })
      if (!isMeasuring) continue
      committed++
      histogram.add(performance.now() - startedAt)
    }
  }
  const loops = Array.from({ length: senders }, (_, sender) =>
    send({ conversation: Math.floor(sender / 2), senderId: new ObjectId() })
  )
  await sleep(WARM_UP_MS)
  const target = { kind: 'parley', url: '', mongoUri, serverPid: process.pid, mongodPid } as const
  const window = new Window(target)
  isMeasuring = true
  await sleep(seconds * 1000)
  isMeasuring = false
  isRunning = false
  const cost = window.cost()
  await Promise.all(loops)
  await strategy.settle?.()
  await client.close()
  return { ...cost, committed, p50Ms: histogram.percentile(0.5), p99Ms: histogram.percentile(0.99) }
}
