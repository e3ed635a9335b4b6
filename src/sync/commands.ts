import { SyncHeads, SyncPull } from '../../protocol/sync/events.ts'
import { type BoundCommand, on } from '../contract/command.ts'
import type { FairGate } from '../limits/fair-gate.ts'
import type { SyncService } from './sync.ts'

interface SyncCommandDeps {
  readonly sync: SyncService
  readonly pageGate: FairGate
}

/** Commands of catching up. */
export function syncCommands({ sync, pageGate }: SyncCommandDeps): BoundCommand[] {
  return [
    on(
      SyncHeads,
      async ({ actor }, { cursors = {}, after }) =>
        await pageGate.run(actor.userId, async () => await sync.heads(actor, cursors, { after }))
    ),
    on(
      SyncPull,
      async ({ actor }, { stream, since }) =>
        await pageGate.run(actor.userId, async () => await sync.pull(actor, stream, since))
    )
  ]
}
