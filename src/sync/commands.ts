import { SyncHeads, SyncPull } from '../../protocol/sync/events.ts'
import { type BoundCommand, on } from '../contract/command.ts'
import { Gate } from '../limits/gate.ts'
import type { SyncService } from './sync.ts'

/** Pages read at once for all who catch up; those who are level are not to feel it. */
const PULLS_AT_ONCE = 1
const MAX_WAITING_PULLS = 50_000

/** Commands of catching up. */
export function syncCommands({ sync }: { readonly sync: SyncService }): BoundCommand[] {
  const pulls = new Gate(PULLS_AT_ONCE, MAX_WAITING_PULLS)
  return [
    on(
      SyncHeads,
      async ({ actor }, { cursors = {}, after }) =>
        await pulls.run(async () => await sync.heads(actor, cursors, { after }))
    ),
    on(
      SyncPull,
      async ({ actor }, { stream, since }) => await pulls.run(async () => await sync.pull(actor, stream, since))
    )
  ]
}
