import { randomUUID } from 'node:crypto'
import { type Db, type IndexDescription, MongoClient, type MongoServerError, ObjectId } from 'mongodb'
import type { Config } from '../config.ts'
import { AccountStore } from './accounts.ts'
import { BlockStore } from './blocks.ts'
import { endAbandoned } from './commit/abandoned.ts'
import { Commits } from './commit/commits.ts'
import { ContactStore } from './contacts.ts'
import { ConversationStore } from './conversations.ts'
import { isDuplicate } from './duplicates.ts'
import { FriendshipStore } from './friendships.ts'
import { MemberStore } from './members.ts'
import { MessageStore } from './messages.ts'
import { OtpStore } from './otps.ts'
import { QrLoginStore } from './qr-logins.ts'
import { RequestStore } from './requests.ts'
import { SessionStore } from './sessions.ts'
import { SettingsStore } from './settings.ts'
import { TicketStore } from './tickets.ts'
import { UserStore } from './users.ts'

export type { AccountChangeDoc } from './accounts.ts'
export { byConversation } from './by-conversation.ts'
export type { Committed, FirstSend } from './commit/change.ts'
export type { AccountNews, ConversationState, Draft } from './commit/draft.ts'
export type { NewContact } from './contacts.ts'
export type * from './documents.ts'
export type { FriendshipDoc } from './friendships.ts'
export type { View } from './messages.ts'
export type { QrLoginDoc, QrPerson } from './qr-logins.ts'
export type { RequestDoc } from './requests.ts'
export { foldedWords } from './search-words.ts'
export type { SessionDoc } from './sessions.ts'
export type { SettingsDoc } from './settings.ts'
export type { UserDoc, UserKey } from './users.ts'
export { isDuplicate, ObjectId }

/** The database: one class for each collection, and the one way to change a conversation. */
export interface Store {
  readonly accounts: AccountStore
  readonly blocks: BlockStore
  readonly commits: Commits
  readonly contacts: ContactStore
  readonly conversations: ConversationStore
  readonly friendships: FriendshipStore
  readonly members: MemberStore
  readonly messages: MessageStore
  readonly otps: OtpStore
  readonly qrLogins: QrLoginStore
  readonly requests: RequestStore
  readonly sessions: SessionStore
  readonly settings: SettingsStore
  readonly tickets: TicketStore
  readonly users: UserStore
  /** For collections that belong to somebody else. */
  readonly db: Db
  /** Changes when the data was restored from a backup: every client's cursors are void then. */
  readonly epoch: string
  /** The database's own clock. */
  now(): Promise<Date>
  /** Proves that a write commits with a majority. Rejects when it does not within the time, ms. */
  probe(timeoutMs: number): Promise<void>
  /** Ends transactions that killed processes have left open, where that is permitted. */
  killStale(): Promise<void>
  close(): Promise<void>
}

interface MetaDoc {
  _id: string
  epoch?: string
  at?: Date
}

/** Transactions without a command for this long are ended also when they are in nobody's way, ms. */
const STALE_MS = 5_000
const UNAUTHORIZED = 13

function ifUnauthorized(error: MongoServerError): void {
  if (error.code !== UNAUTHORIZED) throw error
}

type StoreConfig = Pick<Config, 'MONGODB_POOL_SIZE' | 'COMMIT_LANES'> & { MONGODB_URI: string }

/**
 * Connects, and creates the indexes that are missing.
 * @throws {Error} that says what to do, when the server is not part of a replica set
 */
export async function openStore(config: StoreConfig): Promise<Store> {
  const client = await connect(config)
  const db = client.db()
  await createIndexes(db)
  const epoch = await readEpoch(db)
  const accounts = new AccountStore(client, db)
  const commits = new Commits(client, db, accounts, { lanes: config.COMMIT_LANES })
  const meta = db.collection<MetaDoc>('meta')
  return {
    accounts,
    blocks: new BlockStore(db),
    commits,
    contacts: new ContactStore(db),
    conversations: new ConversationStore(db),
    friendships: new FriendshipStore(db),
    members: new MemberStore(db),
    messages: new MessageStore(db),
    otps: new OtpStore(db),
    qrLogins: new QrLoginStore(db),
    requests: new RequestStore(db),
    sessions: new SessionStore(db),
    settings: new SettingsStore(db),
    tickets: new TicketStore(db),
    users: new UserStore(db),
    db,
    epoch,
    now: async () => (await db.admin().command({ hello: 1 }))['localTime'] as Date,
    probe: async timeoutMS => {
      await meta.updateOne({ _id: 'probe' }, { $currentDate: { at: true } }, { upsert: true, timeoutMS })
    },
    killStale: async () => await endAbandoned(client, STALE_MS).catch(ifUnauthorized),
    close: async () => {
      await commits.settled()
      await client.close()
    }
  }
}

async function connect({ MONGODB_URI, MONGODB_POOL_SIZE }: StoreConfig): Promise<MongoClient> {
  const client = new MongoClient(MONGODB_URI, {
    appName: 'parley',
    maxPoolSize: MONGODB_POOL_SIZE,
    serverSelectionTimeoutMS: 5_000,
    writeConcern: { w: 'majority', j: true },
    readConcern: { level: 'majority' },
    retryWrites: true,
    ignoreUndefined: false
  })
  await client.connect()
  const hello = await client.db().admin().command({ hello: 1 })
  if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid') {
    await client.close()
    throw new Error(
      'MONGODB_URI: this MongoDB is a stand-alone server, but Parley needs transactions. Start mongod with --replSet rs0 and run rs.initiate() once'
    )
  }
  return client
}

const INDEXES: Record<string, IndexDescription[]> = {
  ...AccountStore.indexes,
  blocks: BlockStore.indexes,
  contacts: ContactStore.indexes,
  conversations: ConversationStore.indexes,
  friendships: FriendshipStore.indexes,
  members: MemberStore.indexes,
  messages: MessageStore.indexes,
  otps: OtpStore.indexes,
  qrLogins: QrLoginStore.indexes,
  requests: RequestStore.indexes,
  sessions: SessionStore.indexes,
  settings: SettingsStore.indexes,
  tickets: TicketStore.indexes,
  users: UserStore.indexes
}

async function createIndexes(db: Db): Promise<void> {
  for (const [name, indexes] of Object.entries(INDEXES)) await db.collection(name).createIndexes(indexes)
}

async function readEpoch(db: Db): Promise<string> {
  const meta = await db
    .collection<MetaDoc>('meta')
    .findOneAndUpdate(
      { _id: 'epoch' },
      { $setOnInsert: { epoch: randomUUID() } },
      { upsert: true, returnDocument: 'after' }
    )
  return meta?.epoch ?? ''
}
