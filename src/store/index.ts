import type { Collections, Database } from '../database/index.ts'
import type { AccountStore } from '../streams/store.ts'
import { Commits } from './commit/commits.ts'
import { ConversationStore } from './conversations.ts'
import { MemberStore } from './members.ts'
import { MessageStore } from './messages.ts'

/** The collections that a commit writes. */
export const coreCollections: Collections = {
  conversations: ConversationStore.indexes,
  members: MemberStore.indexes,
  messages: MessageStore.indexes
}

/** The stores of conversations, members and messages, and the one way to change a conversation. */
export function createCoreStores(database: Database, accounts: AccountStore, lanes: number) {
  const { db, clock } = database
  return {
    commits: new Commits(database, accounts, { lanes }),
    conversations: new ConversationStore(db),
    members: new MemberStore(db),
    messages: new MessageStore(db, clock)
  }
}
