import type { Bus } from '../bus/bus.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { pairOf } from '../present/present.ts'
import type { Committed } from '../store/commit/change.ts'
import type { Commits } from '../store/commit/commits.ts'

/** Costs of commits so far, for the operator. */
export interface CommitCounts {
  batches: number
  changes: number
  conflicts: number
  /** Messages of people; not those that record a change of a group. */
  messages: number
  onBatch: (changes: number, seconds: number) => void
}

/**
 * Tells the bus of everything that is committed, in `rev` order. The replies go first: whoever sent a message hears
 * its acknowledgement before its echo.
 */
export function publishCommits(commits: Commits, bus: Bus): CommitCounts {
  const counts: CommitCounts = { batches: 0, changes: 0, conflicts: 0, messages: 0, onBatch: () => undefined }
  commits.observe({
    committed: result => void setImmediate(() => publish(result, bus, counts)),
    conflict: () => {
      counts.conflicts += 1
    },
    batch: (changes, seconds) => {
      counts.batches += 1
      counts.changes += changes
      counts.onBatch(changes, seconds)
    }
  })
  return counts
}

function publish(result: readonly Committed[], bus: Bus, counts: CommitCounts): void {
  for (const { state, events, accounts } of result) {
    // Being added precedes every event of the conversation; being removed is the last one.
    for (const account of accounts) bus.publish('user', account)
    const about = { conversationId: state.doc._id.toHexString(), ...omitUndefined({ pair: pairOf(state.doc) }) }
    for (const { create, ...change } of events) {
      const event = create()
      if (event.type === 'message:new' && event.data.type !== 'system') counts.messages += 1
      bus.publish('conversation', { ...change, ...about, event })
    }
  }
}
