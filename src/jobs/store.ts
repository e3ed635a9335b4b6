import { randomUUID } from 'node:crypto'
import type { AnyBulkWriteOperation, ClientSession, Collection, Db, Document } from 'mongodb'
import { omitUndefined } from '../omit-undefined.ts'

interface WorkDoc {
  /** `<kind>:<key>`, so that the same work is there once. */
  _id: string
  kind: string
  /** Time from which it may be claimed, by the database's clock; while it is leased, the end of the lease. */
  dueAt: Date
  /** Version of what is to be done: grows when there is more. */
  rev: number
  /** Claims since it was last done. */
  attempt: number
  /** The claim that holds it, or held it last. */
  leaseBy?: string
}

/** An item in the hands of one claim. */
export interface LeasedItem {
  readonly _id: string
  readonly rev: number
  readonly attempt: number
  readonly leaseBy: string
}

/** An item to hand back: done, unless it is to run again. */
export interface SettledItem {
  readonly item: LeasedItem
  readonly again?: { readonly inMs: number; readonly isFailure: boolean }
}

/** A new item, or more to do for one that waits. */
export interface NewItem {
  readonly _id: string
  readonly rev: number
  /** Due time; at once by default. Not changed when the item is there already. */
  readonly dueAt?: Date
}

/** A backlog up to this size is counted. */
const COUNTED = 10_000
/** Due items among which a claim chooses, to its own size: servers that claim at once meet less. */
const CHOICE = 4

const IN = (ms: number) => ({ $add: ['$$NOW', ms] })

/**
 * Work items, each in the hands of one claim at a time. The lease is `dueAt` itself, moved into the future, so one
 * index serves due and leased alike; all times are the database's, so that servers' clocks do not count.
 */
export class WorkStore {
  readonly #work: Collection<WorkDoc>

  constructor(db: Db) {
    this.#work = db.collection('work')
  }

  /** Creates what claims need, unless it is there. */
  async prepare(): Promise<void> {
    await this.#work.createIndex({ kind: 1, dueAt: 1 })
  }

  /** Adds items; one that is there already is told the higher `rev`, also while it is being worked on. */
  async add(kind: string, items: readonly NewItem[], session?: ClientSession): Promise<void> {
    if (items.length === 0) return
    const operations = items.map(({ _id, rev, dueAt = '$$NOW' }) => {
      const fields = {
        kind: { $literal: kind },
        dueAt: { $ifNull: ['$dueAt', dueAt] },
        rev: { $max: ['$rev', rev] },
        attempt: { $ifNull: ['$attempt', 0] }
      }
      return { updateOne: { filter: { _id }, update: [{ $set: fields }], upsert: true } }
    })
    await this.#work.bulkWrite(operations, { ordered: false, ...omitUndefined({ session }) })
  }

  /** Removes items, whoever holds them. */
  async remove(ids: readonly string[], session: ClientSession): Promise<void> {
    await this.#work.deleteMany({ _id: { $in: [...ids] } }, { session })
  }

  /**
   * Leases up to `limit` due items.
   * @returns them, and in how many ms the next may be due: 0 or less when others were faster or more are due
   */
  async claim(kind: string, limit: number, leaseMs: number): Promise<{ items: LeasedItem[]; nextMs: number }> {
    const batchSize = limit * CHOICE
    const pipeline = [
      { $match: { kind } },
      { $sort: { dueAt: 1 } },
      { $limit: batchSize },
      { $project: { inMs: { $subtract: ['$dueAt', '$$NOW'] } } }
    ]
    const first = await this.#work.aggregate<{ _id: string; inMs: number }>(pipeline, { batchSize }).toArray()
    const nextMs = first[0]?.inMs ?? Infinity
    const due = first.filter(({ inMs }) => inMs <= 0).map(({ _id }) => _id)
    if (due.length === 0) return { items: [], nextMs }
    const from = Math.floor(Math.random() * Math.max(0, due.length - limit + 1))
    return { items: await this.#lease(due.slice(from, from + limit), leaseMs), nextMs }
  }

  /** Prolongs leases. @returns the items that are held no longer */
  async renew(items: readonly LeasedItem[], leaseMs: number): Promise<LeasedItem[]> {
    const held = whereHeld(items)
    const options = { timeoutMS: leaseMs / 2 }
    const { matchedCount } = await this.#work.updateMany(held, [{ $set: { dueAt: IN(leaseMs) } }], options)
    if (matchedCount === items.length) return []
    const kept = await this.#work.find(held, options).project<LeasedItem>({ leaseBy: 1 }).toArray()
    const holders = new Map(kept.map(({ _id, leaseBy }) => [_id, leaseBy]))
    return items.filter(({ _id, leaseBy }) => holders.get(_id) !== leaseBy)
  }

  /** Hands items back. Without effect for those that are held no longer; done ones for which more came are due again. */
  async settle(settled: readonly SettledItem[]): Promise<void> {
    const { deletedCount } = await this.#work.bulkWrite(settled.map(toOperation), { ordered: false })
    const done = settled.filter(({ again }) => again === undefined).map(({ item }) => item)
    if (deletedCount < done.length) await this.#work.updateMany(whereHeld(done), dueIn(0, { isFailure: false }))
  }

  /** Items of a kind that are due and in nobody's hands, at most 10,000, and for how long the oldest has been, ms. */
  async backlog(kind: string): Promise<{ due: number; oldestAgeMs: number }> {
    const now = new Date()
    const filter = { kind, dueAt: { $lte: now } }
    const [due, oldest] = await Promise.all([
      this.#work.countDocuments(filter, { limit: COUNTED }),
      this.#work.findOne(filter, { sort: { dueAt: 1 }, projection: { dueAt: 1 } })
    ])
    return { due, oldestAgeMs: oldest === null ? 0 : now.getTime() - oldest.dueAt.getTime() }
  }

  /** Takes those of the items that are due still. MongoDB has no update with a limit, hence by id. */
  async #lease(ids: readonly string[], leaseMs: number): Promise<LeasedItem[]> {
    const leaseBy = randomUUID()
    const { modifiedCount } = await this.#work.updateMany(
      { _id: { $in: [...ids] }, $expr: { $lte: ['$dueAt', '$$NOW'] } },
      [{ $set: { leaseBy, dueAt: IN(leaseMs), attempt: { $add: ['$attempt', 1] } } }]
    )
    if (modifiedCount === 0) return []
    return await this.#work
      .find({ _id: { $in: [...ids] }, leaseBy }, { batchSize: ids.length })
      .project<LeasedItem>({ rev: 1, attempt: 1, leaseBy: 1 })
      .toArray()
  }
}

function whereHeld(items: readonly LeasedItem[]) {
  const leases = new Set(items.map(({ leaseBy }) => leaseBy))
  return { _id: { $in: items.map(({ _id }) => _id) }, leaseBy: { $in: [...leases] } }
}

function dueIn(ms: number, { isFailure }: { isFailure: boolean }): Document[] {
  return [{ $set: { dueAt: IN(ms), ...omitUndefined({ attempt: isFailure ? undefined : 0 }) } }, { $unset: 'leaseBy' }]
}

function toOperation({ item: { _id, leaseBy, rev }, again }: SettledItem): AnyBulkWriteOperation<WorkDoc> {
  if (again === undefined) return { deleteOne: { filter: { _id, leaseBy, rev } } }
  return { updateOne: { filter: { _id, leaseBy }, update: dueIn(again.inMs, again) } }
}
