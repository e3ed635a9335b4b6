import type { UserEvent } from '../../protocol/index.ts'
import type { SyncItem } from '../../protocol/sync/events.ts'
import type { Actor } from '../actor.ts'
import type { AccountChangeDoc, AccountChangeType } from './store.ts'

/** A change of a person's own stream as it is now: its item on a page, and the event that tells it. */
export interface UserItem {
  readonly item: SyncItem
  readonly event: UserEvent
}

/** Presents changes of one type, by `rev`. A change that came to nothing has no item. */
export type PresentUserItems = (
  actor: Actor,
  changes: readonly AccountChangeDoc[]
) => Promise<ReadonlyMap<number, UserItem>>

/** Presenters by type of change; every subject registers its own. */
export type UserItemTable = Readonly<Record<AccountChangeType, PresentUserItems>>

/** Presents changes one by one. */
export function presentEach(
  changes: readonly AccountChangeDoc[],
  present: (change: AccountChangeDoc) => UserItem | undefined
): Map<number, UserItem> {
  const items = new Map<number, UserItem>()
  for (const change of changes) {
    const item = present(change)
    if (item !== undefined) items.set(change.rev, item)
  }
  return items
}

/** Presents changes of any type by the table, by `rev`. */
export async function presentUserItems(
  table: UserItemTable,
  actor: Actor,
  changes: readonly AccountChangeDoc[]
): Promise<Map<number, UserItem>> {
  const types = [...new Set(changes.map(({ type }) => type))]
  const presented = await Promise.all(
    types.map(
      async type =>
        await table[type](
          actor,
          changes.filter(change => change.type === type)
        )
    )
  )
  return new Map(presented.flatMap(items => [...items]))
}
