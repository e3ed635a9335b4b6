import { setTimeout as sleep } from 'node:timers/promises'
import { BSON, type ChangeStream, type ChangeStreamDocument, type Document, type MongoClient } from 'mongodb'
import type { Test } from 'tap'
import { openDatabase } from './databases.ts'

/** Fields that change by themselves, or by a mere connection. */
const VOLATILE: Record<string, readonly string[]> = { users: ['lastSeenAt'], sessions: ['lastSeenAt'] }
/** Written by the test itself, to know what came before it. */
const SENTINELS = 'sentinels'
/** Collections that servers write by themselves. */
const OWN = ['meta', 'work', 'deviceCursors', SENTINELS]

/** Write that the database has committed. */
export interface Write {
  readonly collection: string
  /** Text of the write: the document, or its changed fields, or the id of a removed one. */
  readonly text: string
  /** The document as it is now, where there is one: tells whom a change is about. */
  readonly document: string
}

interface WriteOptions {
  /** Fields that change by themselves besides those that do everywhere, by collection. */
  readonly ignored?: Readonly<Record<string, readonly string[]>>
}

/**
 * Hears of every write to a database, also of those that are taken back. What is volatile does not count, nor what
 * servers write by themselves.
 */
export class Writes {
  readonly #client: MongoClient
  readonly #stream: ChangeStream
  readonly #ignored: WriteOptions['ignored']
  #count = 0

  private constructor(client: MongoClient, stream: ChangeStream, { ignored }: WriteOptions) {
    this.#client = client
    this.#stream = stream
    this.#ignored = ignored
  }

  /** Listens from now on, until the test ends. */
  static async watch(t: Test, uri: string, options: WriteOptions = {}): Promise<Writes> {
    const client = await openDatabase(t, uri)
    const stream: ChangeStream = client.db().watch([], { fullDocument: 'updateLookup' })
    t.teardown(async () => await stream.close())
    await stream.tryNext()
    return new Writes(client, stream, options)
  }

  /** Take the writes since the last call, or since the start; archives that are being made are made first. */
  async take(): Promise<Write[]> {
    this.#count += 1
    const sentinel = this.#count
    const db = this.#client.db()
    while ((await db.collection('exports').findOne({ status: { $in: ['waiting', 'running'] } })) !== null) {
      await sleep(20)
    }
    await db
      .collection<{ count: number }>(SENTINELS)
      .insertOne({ count: sentinel }, { writeConcern: { w: 'majority' } })
    const writes: Write[] = []
    for (;;) {
      const change = await this.#stream.next()
      if (isSentinel(change, sentinel)) return writes
      writes.push(...this.#read(change))
    }
  }

  #read(change: ChangeStreamDocument): Write[] {
    if (!('ns' in change) || !('coll' in change.ns))
      return [{ collection: '', text: change.operationType, document: '' }]
    const collection = change.ns.coll
    if (OWN.includes(collection)) return []
    const written = this.#written(change, collection)
    if (written === undefined) return []
    const document = 'fullDocument' in change ? textOf(change.fullDocument ?? {}) : ''
    return [{ collection, text: `${change.operationType} ${textOf(written)}`, document }]
  }

  /** Find what a change has written that counts, if anything. */
  #written(change: ChangeStreamDocument, collection: string): Document | undefined {
    const volatile = [...(VOLATILE[collection] ?? []), ...(this.#ignored?.[collection] ?? [])]
    const lasting = (fields: Document): Document =>
      Object.fromEntries(Object.entries(fields).filter(([path]) => !volatile.includes(path.split('.', 1)[0] ?? '')))
    if (change.operationType === 'update') {
      const { updatedFields = {}, removedFields = [] } = change.updateDescription
      const set = lasting(updatedFields)
      const removed = Object.keys(lasting(Object.fromEntries(removedFields.map(path => [path, true]))))
      return Object.keys(set).length + removed.length > 0 ? { ...set, removed } : undefined
    }
    if (change.operationType === 'insert' || change.operationType === 'replace') return lasting(change.fullDocument)
    return 'documentKey' in change ? (change.documentKey as Document) : {}
  }
}

function isSentinel(change: ChangeStreamDocument, count: number): boolean {
  return change.operationType === 'insert' && change.ns.coll === SENTINELS && change.fullDocument['count'] === count
}

function textOf(document: Document): string {
  return BSON.EJSON.stringify(document)
}
