import type { Config } from '../config/config.ts'
import type { ConversationListService } from '../conversations/index.ts'
import type { Collections, Database } from '../database/index.ts'
import type { Budgets } from '../limits/budgets.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessageStore } from '../store/messages.ts'
import type { Directory } from '../users/index.ts'
import { Sealing } from './blocks/jobs.ts'
import { Sealer } from './blocks/sealer.ts'
import { blockCollections, SearchBlockStore } from './blocks/store.ts'
import { NameSearch } from './by-name.ts'
import { MessageSearch } from './message-search.ts'
import { SearchedMessages } from './store.ts'

/** The collections of the search. */
export const searchCollections: Collections = blockCollections

/** The stores of the search. */
export function createSearchStores({ client, clock, db }: Pick<Database, 'client' | 'clock' | 'db'>) {
  return { searchBlocks: new SearchBlockStore(client, db), searchedMessages: new SearchedMessages(db, clock) }
}

interface SearchDeps {
  readonly store: ReturnType<typeof createSearchStores> & {
    readonly conversations: ConversationStore
    readonly database: Pick<Database, 'clock' | 'availability'>
    readonly members: MemberStore
    readonly messages: MessageStore
  }
  readonly config: Pick<Config, 'timings'>
  readonly budgets: Budgets
  readonly conversationList: ConversationListService
  readonly directory: Directory
}

/** The search: finding messages by their words, conversations and people by their names, and the job that indexes. */
export function createSearch({ store, config, budgets, ...names }: SearchDeps) {
  const sealer = new Sealer({ store })
  const { clock, availability } = store.database
  const { indexMs: everyMs, indexIdleMs: idleMs } = config.timings
  return {
    messageSearch: new MessageSearch({
      store,
      sealer,
      budgets,
      requireReady: async () => await availability.require()
    }),
    nameSearch: new NameSearch(names),
    sealing: new Sealing({ store, clock, sealer, everyMs, idleMs })
  }
}
