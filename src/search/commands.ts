import { SearchMessages } from '../../protocol/search/events.ts'
import { type BoundCommand, on } from '../contract/command.ts'
import type { MessageSearch } from './message-search.ts'

/** Commands of the search. */
export function searchCommands({ messageSearch }: { readonly messageSearch: MessageSearch }): BoundCommand[] {
  return [on(SearchMessages, async ({ actor }, data) => await messageSearch.find(actor, data))]
}
