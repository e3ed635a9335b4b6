import type { Collection, Db, ObjectId } from 'mongodb'
import type { FirstSend } from '../../store/commit/change.ts'
import type { MessageDoc } from '../../store/documents.ts'

/** Name of a send of one person. */
type SendKey = Pick<MessageDoc, 'conversationId'> & { readonly clientId: string }

const SENT = { conversationId: 1, clientId: 1, seq: 1, createdRev: 1, createdAt: 1, bodyHash: 1 } as const

/** Messages as the first sends of their `clientId`s, by the index of all messages that the commit asks for repeats. */
export class FirstSendStore {
  readonly #messages: Collection<MessageDoc>

  constructor(db: Db) {
    this.#messages = db.collection('messages')
  }

  /** Messages that a person has sent, by conversation and `clientId`, without their content, in no order. */
  async find(senderId: ObjectId, sends: readonly SendKey[]): Promise<(FirstSend & SendKey)[]> {
    if (sends.length === 0) return []
    const $or = sends.map(({ conversationId, clientId }) => ({ conversationId, senderId, clientId }))
    return await this.#messages.find<FirstSend & SendKey>({ $or }, { projection: SENT }).toArray()
  }
}
