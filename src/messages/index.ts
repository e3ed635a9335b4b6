import type { Config } from '../config/config.ts'
import type { Collections, Database } from '../database/index.ts'
import { FairGate } from '../limits/fair-gate.ts'
import { TokenBuckets } from '../limits/token-buckets.ts'
import { createRequireAnswerable } from './answerable.ts'
import { DraftService } from './drafts/drafts.ts'
import { MessageDraftStore } from './drafts/store.ts'
import { createDraftItems } from './drafts/user-items.ts'
import { ExpiryService } from './expiring/expiry.ts'
import { createRemoval } from './expiring/jobs.ts'
import { ExpiredMessageStore } from './expiring/store.ts'
import { createChangeExport } from './exporting/changes.ts'
import { ExportContent } from './exporting/content.ts'
import { ExportService } from './exporting/exports.ts'
import { ExportStore } from './exporting/store.ts'
import { createExportItems } from './exporting/user-items.ts'
import { createExportWriting } from './exporting/writing.ts'
import { ForwardingService } from './forwarding/forwarding.ts'
import { Origins } from './forwarding/origins.ts'
import { Sources } from './forwarding/sources.ts'
import { FirstSendStore } from './forwarding/store.ts'
import { HistoryService } from './history.ts'
import { MessageIdAt } from './message-id-at.ts'
import { MessageService } from './messages.ts'
import { PinService } from './pins/pins.ts'
import { ReachableAddresses } from './previews/addresses.ts'
import { GuardedFetch } from './previews/guarded-fetch.ts'
import { Previewing } from './previews/jobs.ts'
import { PreviewMaker } from './previews/making.ts'
import { DuePreviewStore } from './previews/store.ts'
import { ReactionService } from './reactions/reactions.ts'
import { createChangeScheduled } from './scheduled/changes.ts'
import { ScheduledService } from './scheduled/scheduled.ts'
import { createSending } from './scheduled/sending.ts'
import { ScheduledStore } from './scheduled/store.ts'
import { createScheduledItems } from './scheduled/user-items.ts'
import { Sending } from './sending.ts'
import { StarService } from './stars/stars.ts'
import { StarStore } from './stars/store.ts'
import { createStarItems } from './stars/user-items.ts'
import { createMessageItems } from './user-items.ts'

type MessageDeps = Omit<ConstructorParameters<typeof MessageService>[0], 'sending' | 'sends' | 'changes'> &
  ConstructorParameters<typeof Sending>[0] &
  ConstructorParameters<typeof HistoryService>[0] &
  ConstructorParameters<typeof Origins>[0] &
  Omit<ConstructorParameters<typeof ForwardingService>[0], 'sending' | 'sources'> &
  Omit<ConstructorParameters<typeof StarService>[0], 'messages'> &
  Omit<ConstructorParameters<typeof DraftService>[0], 'requireAnswerable' | 'ownGate'> &
  Omit<ConstructorParameters<typeof ScheduledService>[0], 'requireAnswerable' | 'sends' | 'changeScheduled'> &
  Omit<Parameters<typeof createSending>[0], 'messages' | 'changeScheduled'> &
  ConstructorParameters<typeof ExportContent>[0] &
  Omit<ConstructorParameters<typeof ExportService>[0], 'changeExport'> &
  Omit<Parameters<typeof createExportWriting>[0], 'changeExport' | 'content'> &
  Omit<Parameters<typeof createRemoval>[0], 'everyMs'> &
  Omit<ConstructorParameters<typeof PreviewMaker>[0], 'fetcher'> &
  Omit<ConstructorParameters<typeof Previewing>[0], 'everyMs' | 'maker'> & {
    readonly config: Pick<Config, 'timings' | 'LINK_PREVIEWS' | 'LINK_PREVIEW_ALLOW'>
  }

/** The collections of what belongs to messages and is none. */
export const messageCollections: Collections = {
  exports: ExportStore.indexes,
  messageDrafts: MessageDraftStore.indexes,
  scheduledMessages: ScheduledStore.indexes,
  stars: StarStore.indexes
}

export function createMessageStores({ db, clock }: Database) {
  return {
    duePreviews: new DuePreviewStore(db, clock),
    expired: new ExpiredMessageStore(db, clock),
    exports: new ExportStore(db),
    firstSends: new FirstSendStore(db),
    messageDrafts: new MessageDraftStore(db),
    scheduled: new ScheduledStore(db),
    stars: new StarStore(db)
  }
}

/**
 * Changes of people's own streams under way, of all and of each person: two of one person would conflict in the
 * database; and calls that wait.
 */
const CHANGES = { width: 64, widthEach: 1, maxWaiting: 20_000, maxWaitingEach: 200 }

/** Messages: sending, forwarding, changing and finding them, history, reactions, pins, stars, drafts, and what is sent later. */
export function createMessages(deps: MessageDeps) {
  const { store, config } = deps
  const { sendsPerSecond: perSecond, sendsBurst: burst } = config.limits
  const changes = new TokenBuckets({ perSecond, burst })
  const sends = new TokenBuckets({ perSecond, burst })
  const requireAnswerable = createRequireAnswerable(store)
  const ownGate = new FairGate(CHANGES)
  const changeScheduled = createChangeScheduled({ ...deps, ownGate })
  const changeExport = createChangeExport(deps)
  const sending = new Sending(deps)
  const messages = new MessageService({ ...deps, sending, sends, changes })
  const sources = new Sources({ store, origins: new Origins(deps) })
  return {
    drafts: new DraftService({ ...deps, requireAnswerable, ownGate }),
    exports: new ExportService({ ...deps, changeExport }),
    writeExports: createExportWriting({ ...deps, changeExport, content: new ExportContent(deps) }),
    expiry: new ExpiryService(deps),
    removal: createRemoval({ ...deps, everyMs: config.timings.expiryMs }),
    history: new HistoryService(deps),
    messageIdAt: new MessageIdAt(store),
    messages,
    forwarding: new ForwardingService({ ...deps, sending, sources }),
    previewing: createPreviewing(deps),
    pins: new PinService({ ...deps, changes }),
    reactions: new ReactionService({ ...deps, changes }),
    stars: new StarService({ ...deps, messages }),
    scheduled: new ScheduledService({ ...deps, sends, requireAnswerable, changeScheduled }),
    sendScheduled: createSending({ ...deps, messages, changeScheduled }),
    messageItems: {
      ...createMessageItems(store.messages),
      ...createDraftItems(store.messageDrafts),
      ...createExportItems(store.exports),
      ...createScheduledItems(store.scheduled),
      ...createStarItems(store)
    }
  }
}

/** The job that makes previews, where there are any. */
function createPreviewing(deps: MessageDeps): Previewing[] {
  const { LINK_PREVIEWS, LINK_PREVIEW_ALLOW, timings } = deps.config
  if (LINK_PREVIEWS === 'off') return []
  const fetcher = new GuardedFetch(new ReachableAddresses(LINK_PREVIEW_ALLOW))
  return [new Previewing({ ...deps, maker: new PreviewMaker({ ...deps, fetcher }), everyMs: timings.previewMs })]
}
