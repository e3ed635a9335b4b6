import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { createJobs, type WorkKind } from '../../src/jobs/index.ts'
import { type Cost, Window } from './window.ts'

const KIND = 'bench'
const BATCH = 5_000

/** Place and amount of the work. */
export interface JobsLoad {
  readonly mongoUri: string
  readonly mongodPid: number
  readonly items: number
}

/** Adds items that are due in so long, ms. */
export async function seedJobs({ mongoUri, items, inMs }: JobsLoad & { readonly inMs: number }): Promise<void> {
  const { client, jobs } = await open(mongoUri)
  await jobs.start()
  const dueAt = new Date(Date.now() + inMs)
  for (let from = 0; from < items; from += BATCH) {
    const keys = Array.from({ length: Math.min(BATCH, items - from) }, (_, index) => `${from + index}`)
    await jobs.enqueue(
      KIND,
      keys.map(key => ({ key, rev: 1, dueAt }))
    )
  }
  await jobs.stop()
  await client.close()
}

/** Does due items, whose runs do nothing, until none is left; in the load's own process. */
export async function drainJobs(params: JobsLoad): Promise<Cost & { readonly done: number }> {
  let done = 0
  const cost = await measure(params, { kind: KIND, concurrency: 100, run: async () => void done++ }, async count => {
    while ((await count()) > 0) await sleep(50)
  })
  return { ...cost, done }
}

/** Waits beside items of which none is due. */
export async function watchJobs({ seconds, ...params }: JobsLoad & { readonly seconds: number }): Promise<Cost> {
  return await measure(params, { kind: KIND, run: async () => undefined }, async () => await sleep(seconds * 1000))
}

async function measure(
  { mongoUri, mongodPid }: JobsLoad,
  kind: WorkKind,
  until: (count: () => Promise<number>) => Promise<unknown>
): Promise<Cost> {
  const { client, jobs } = await open(mongoUri)
  jobs.work(kind)
  const window = new Window({ kind: 'parley', url: '', mongoUri, serverPid: process.pid, mongodPid })
  await jobs.start()
  await until(async () => await client.db().collection('work').estimatedDocumentCount())
  const cost = window.cost()
  await jobs.stop()
  await client.close()
  return cost
}

async function open(mongoUri: string) {
  const options = { writeConcern: { w: 'majority', journal: true }, readConcern: { level: 'majority' } } as const
  const client = await MongoClient.connect(mongoUri, options)
  const onError = (error: unknown) => process.stderr.write(`${String(error)}\n`)
  return { client, jobs: createJobs({ database: { db: client.db() }, onError }) }
}
