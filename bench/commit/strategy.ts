import { type Collection, type Db, type MongoClient, ObjectId } from 'mongodb'

/** A message on its way into the database; `seq` and `rev` are given by the strategy. */
export interface Draft {
  /** Index of the conversation. */
  readonly conversation: number
  readonly senderId: ObjectId
  readonly clientId: string
}

/** Way of making a message durable. */
export interface Strategy {
  /** Resolves when the message is committed with majority and journal. */
  commit(draft: Draft): Promise<void>
  /** Waits for what goes on behind the answers. */
  settle?(): Promise<void>
}

/** Database of a strategy: empty collections with the indexes that hold their promises. */
export interface Ground {
  readonly client: MongoClient
  readonly conversations: Collection<HeadDoc>
  readonly messages: Collection<MessageRow>
  readonly batches: Collection<BatchRow>
  /** By index; `rev` of each starts at 0. */
  readonly ids: readonly ObjectId[]
}

/** A conversation. */
export interface HeadDoc {
  _id: ObjectId
  rev: number
  preview?: string
  lastActivityAt?: Date
  /** Only where the head carries its newest messages. */
  tail?: MessageRow[]
}

/** A message as it is stored, with what the indexes need. */
export interface MessageRow {
  _id: ObjectId
  conversationId: ObjectId
  seq: number
  rev: number
  senderId: ObjectId
  clientId: string
  type: 'text'
  text: string
  createdAt: Date
}

/** Messages of one conversation that were committed together. */
interface BatchRow {
  _id: ObjectId
  conversationId: ObjectId
  firstRev: number
  messages: MessageRow[]
}

/** Makes the collections, their indexes and the conversations. */
export async function prepareGround(client: MongoClient, db: Db, count: number): Promise<Ground> {
  const conversations = db.collection<HeadDoc>('conversations')
  const messages = db.collection<MessageRow>('messages')
  const batches = db.collection<BatchRow>('batches')
  await messages.createIndexes([
    { key: { conversationId: 1, seq: 1 }, unique: true, partialFilterExpression: { seq: { $gt: 0 } } },
    { key: { conversationId: 1, rev: 1 }, unique: true, partialFilterExpression: { rev: { $gt: 0 } } },
    { key: { conversationId: 1, senderId: 1, clientId: 1 }, unique: true }
  ])
  await batches.createIndexes([
    { key: { conversationId: 1, firstRev: 1 }, unique: true },
    { key: { conversationId: 1, 'messages.senderId': 1, 'messages.clientId': 1 }, unique: true }
  ])
  const ids = Array.from({ length: count }, () => new ObjectId())
  await conversations.insertMany(ids.map(_id => ({ _id, rev: 0 })))
  return { client, conversations, messages, batches, ids }
}

/** The conversation a draft is for. */
export function conversationIdOf({ ids }: Ground, { conversation }: Draft): ObjectId {
  const id = ids[conversation]
  if (id === undefined) throw new Error('There is no such conversation')
  return id
}

/** The stored form of a draft. */
export function messageRow(ground: Ground, draft: Draft, rev: number): MessageRow {
  const { senderId, clientId } = draft
  const conversationId = conversationIdOf(ground, draft)
  const text = 'x'.repeat(100)
  const _id = new ObjectId()
  return { _id, conversationId, seq: rev, rev, senderId, clientId, type: 'text', text, createdAt: new Date() }
}
