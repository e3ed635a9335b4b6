import { SyncHeads, SyncPull } from '../../protocol/sync/events.ts'
import { type BoundCommand, on } from '../contract/command.ts'
import { type Budgets, WEIGHT } from '../limits/budgets.ts'
import { FairGate } from '../limits/fair-gate.ts'
import type { SyncService } from './sync.ts'

/**
 * Pages read at once for all who catch up, because those who are level are not to feel it; and calls that wait, of all
 * and of each person, who have one turn after the other.
 */
const PULLS = { width: 1, maxWaiting: 50_000, maxWaitingEach: 200 }

interface SyncCommandDeps {
  readonly sync: SyncService
  readonly budgets: Budgets
}

/** Commands of catching up. */
export function syncCommands({ sync, budgets }: SyncCommandDeps): BoundCommand[] {
  const pulls = new FairGate(PULLS)
  return [
    on(
      SyncHeads,
      async ({ actor }, { cursors = {}, after }) =>
        await pulls.run({ party: actor.userId }, async () => await sync.heads(actor, cursors, { after }))
    ),
    on(SyncPull, async ({ actor }, { stream, since }) => {
      budgets.spend(actor, WEIGHT.pull)
      return await pulls.run({ party: actor.userId }, async () => await sync.pull(actor, stream, since))
    })
  ]
}
