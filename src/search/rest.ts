import { FindByName, FindMessages } from '../../protocol/search/routes.ts'
import { type BoundRoute, route } from '../contract/route.ts'
import type { NameSearch } from './by-name.ts'
import type { MessageSearch } from './message-search.ts'

interface SearchRouteDeps {
  readonly messageSearch: MessageSearch
  readonly nameSearch: NameSearch
}

/** Routes of the search. */
export function searchRoutes({ messageSearch, nameSearch }: SearchRouteDeps): BoundRoute[] {
  return [
    route(FindByName, async ({ actor, query: { q, limit } }) => await nameSearch.find(actor, q, limit)),
    route(FindMessages, async ({ actor, query: { hasFile, ...query } }) => {
      const asked = hasFile === undefined ? query : { ...query, hasFile: hasFile === 'true' }
      return await messageSearch.find(actor, asked)
    })
  ]
}
