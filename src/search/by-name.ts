import type { FoundByName } from '../../protocol/search/routes.ts'
import type { Actor } from '../actor.ts'
import type { ConversationListService } from '../conversations/index.ts'
import type { Directory } from '../users/index.ts'

/** Conversations, and people, of one answer. */
const DEFAULT_LIMIT = 10

interface NameSearchDeps {
  readonly conversationList: Pick<ConversationListService, 'page'>
  readonly directory: Pick<Directory, 'search'>
}

/** Finding conversations and people by one field. */
export class NameSearch {
  readonly #deps: NameSearchDeps

  constructor(deps: NameSearchDeps) {
    this.#deps = deps
  }

  /** The actor's conversations by their names, and people by theirs. @throws {AppError} `rate_limited`, `busy` */
  async find(actor: Actor, q: string, limit = DEFAULT_LIMIT): Promise<FoundByName> {
    const { conversationList, directory } = this.#deps
    const { conversations } = await conversationList.page(actor, { q, limit })
    return { conversations, users: await directory.search(actor, q, limit) }
  }
}
