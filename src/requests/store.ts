import type { ClientSession, Collection, Db, Filter, IndexDescription, ObjectId } from 'mongodb'
import type { RequestKind, RequestStatus } from '../../protocol/requests/entities.ts'
import { omitUndefined } from '../omit-undefined.ts'

/** Request of one person to another, to talk or to be friends. */
export interface RequestDoc {
  _id: ObjectId
  kind: RequestKind
  /** The two user ids, sorted. */
  pairKey: string
  fromId: ObjectId
  toId: ObjectId
  message?: string
  status: RequestStatus
  createdAt: Date
  decidedAt?: Date
}

/** Two people, and what one asks the other. */
export type Pair = Pick<RequestDoc, 'pairKey' | 'kind'>

/** Filter for the requests of one person. */
export interface RequestFilter {
  direction?: 'incoming' | 'outgoing'
  status?: RequestStatus
  kind?: RequestKind
}

/** Requests between people: at most one of a kind is open for a pair. */
export class RequestStore {
  static readonly indexes: IndexDescription[] = [
    {
      key: { pairKey: 1, kind: 1 },
      unique: true,
      name: 'oneOpen',
      partialFilterExpression: { status: 'open' }
    }, // insert, findOpen
    { key: { pairKey: 1, kind: 1, status: 1, _id: -1 } }, // findLast
    { key: { fromId: 1, _id: -1 } }, // page
    { key: { toId: 1, _id: -1 } }, // page
    { key: { fromId: 1, status: 1 } } // countOpen
  ]

  readonly #requests: Collection<RequestDoc>

  constructor(db: Db) {
    this.#requests = db.collection('requests')
  }

  async insert(request: RequestDoc, session: ClientSession): Promise<void> {
    await this.#requests.insertOne({ ...request }, { session })
  }

  async find(_id: ObjectId, session?: ClientSession): Promise<RequestDoc | null> {
    return await this.#requests.findOne({ _id }, omitUndefined({ session }))
  }

  async findMany(ids: readonly ObjectId[]): Promise<RequestDoc[]> {
    return await this.#requests.find({ _id: { $in: [...ids] } }).toArray()
  }

  async findOpen(pairKey: string, kind: RequestKind): Promise<RequestDoc | null> {
    return await this.#requests.findOne({ pairKey, kind, status: 'open' })
  }

  /** The newest request of a pair with this outcome. */
  async findLast({ pairKey, kind }: Pair, status: RequestStatus, session?: ClientSession): Promise<RequestDoc | null> {
    return await this.#requests.findOne({ pairKey, kind, status }, { sort: { _id: -1 }, ...omitUndefined({ session }) })
  }

  /** The newest request that was declined by the other of a pair since a moment. */
  async findDeclined(
    { pairKey, kind, fromId }: Pair & Pick<RequestDoc, 'fromId'>,
    since: Date,
    session?: ClientSession
  ): Promise<RequestDoc | null> {
    const filter = { pairKey, kind, status: 'declined', fromId, decidedAt: { $gt: since } } as const
    return await this.#requests.findOne(filter, { sort: { _id: -1 }, ...omitUndefined({ session }) })
  }

  /** Decides an open request. @returns it as it is then, or null when it is open no longer */
  async decide(_id: ObjectId, status: RequestStatus, session: ClientSession): Promise<RequestDoc | null> {
    return await this.#requests.findOneAndUpdate(
      { _id, status: 'open' },
      { $set: { status, decidedAt: new Date() } },
      { returnDocument: 'after', session }
    )
  }

  /** Open requests that somebody has made. */
  async countOpen(fromId: ObjectId): Promise<number> {
    return await this.#requests.countDocuments({ fromId, status: 'open' })
  }

  /** Requests of one person, newest first. */
  async page(
    userId: ObjectId,
    { direction, ...rest }: RequestFilter,
    limit: number,
    after?: ObjectId
  ): Promise<RequestDoc[]> {
    const more: Filter<RequestDoc> = { ...rest, ...omitUndefined({ _id: after && { $lt: after } }) }
    const from = { fromId: userId, ...more }
    const to = { toId: userId, ...more }
    const filter = direction === undefined ? { $or: [from, to] } : direction === 'incoming' ? to : from
    return await this.#requests.find(filter, { sort: { _id: -1 }, limit }).toArray()
  }
}
