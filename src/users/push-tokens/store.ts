import type { Collection, Db, IndexDescription, ObjectId } from 'mongodb'
import { omitUndefined } from '../../omit-undefined.ts'
import type { UserDoc } from '../store.ts'

/** Device's push token, and the session that it was given in; a token of another system belongs to none. */
export interface PushToken {
  readonly token: string
  readonly sessionId?: ObjectId
}

/** Push tokens, kept with their people: a device belongs to who gave its token last, until their session ends. */
export class PushTokenStore {
  /** Indexes of the users. */
  static readonly indexes: IndexDescription[] = [
    { key: { 'pushTokens.token': 1 }, partialFilterExpression: { 'pushTokens.token': { $exists: true } } } // add
  ]

  readonly #users: Collection<UserDoc>

  constructor(db: Db) {
    this.#users = db.collection('users')
  }

  /** Keeps a token as somebody's newest of at most `limit`, and takes it from everybody else. */
  async add(_id: ObjectId, { token, sessionId }: PushToken, limit: number): Promise<void> {
    await this.#users.updateMany({ 'pushTokens.token': token, _id: { $ne: _id } }, { $pull: { pushTokens: { token } } })
    const others = {
      $filter: { input: { $ifNull: ['$pushTokens', []] }, cond: { $ne: ['$$this.token', { $literal: token }] } }
    }
    const newest = { token: { $literal: token }, at: '$$NOW', ...omitUndefined({ sessionId }) }
    const all = { $concatArrays: [others, [newest]] }
    await this.#users.updateOne({ _id }, [{ $set: { pushTokens: { $slice: [all, -limit] } } }])
  }

  /** Takes away what was given in a session that has ended. */
  async forgetSession(_id: ObjectId, sessionId: ObjectId): Promise<void> {
    await this.#users.updateOne({ _id, 'pushTokens.sessionId': sessionId }, { $pull: { pushTokens: { sessionId } } })
  }
}
