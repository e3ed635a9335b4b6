import { type Static, Type } from '@sinclair/typebox'
import { SessionRef } from '../accounts/entities.ts'
import { Conversation, ConversationView, Member, Membership } from '../conversations/entities.ts'
import { command, durable } from '../envelope.ts'
import { ConversationId, MessageId, StreamId, UserId } from '../ids.ts'
import { SYNC_PAGE_ITEMS } from '../limits.ts'
import { DraftState } from '../messages/drafts/entities.ts'
import { Message, MessageRef } from '../messages/entities.ts'
import { Export } from '../messages/exports/entities.ts'
import { ScheduledMessage } from '../messages/scheduled/entities.ts'
import { PersonRequest } from '../requests/entities.ts'
import { Counter, closed } from '../schema.ts'
import { Me, Settings } from '../users/entities.ts'
import { Cursors, Heads } from './entities.ts'

export const SyncHeads = command('sync:heads', {
  description: 'What moved since the cursors given: a page of heads.',
  data: closed({
    cursors: Type.Optional(Cursors),
    after: Type.Optional(Type.String({ maxLength: 64, pattern: '^[0-9a-f]{24}$' }))
  }),
  reply: Heads
})

/** Item that changed, as it is now. */
export const SyncItem = Type.Union([
  closed({ type: Type.Literal('message'), rev: Counter, message: Message }),
  closed({ type: Type.Literal('member'), rev: Counter, member: Member }),
  closed({ type: Type.Literal('conversation'), rev: Counter, conversation: Conversation }),
  closed({ type: Type.Literal('membership'), rev: Counter, conversation: ConversationView }),
  closed({ type: Type.Literal('removed'), rev: Counter, conversationId: ConversationId }),
  closed({ type: Type.Literal('hidden'), rev: Counter, ...MessageRef }),
  closed({
    type: Type.Literal('star'),
    rev: Counter,
    conversationId: ConversationId,
    messageId: MessageId,
    isStarred: Type.Boolean()
  }),
  closed({ type: Type.Literal('profile'), rev: Counter, user: Me }),
  closed({ type: Type.Literal('settings'), rev: Counter, settings: Settings }),
  closed({ type: Type.Literal('session'), rev: Counter, session: SessionRef }),
  closed({ type: Type.Literal('block'), rev: Counter, userId: UserId, isBlocked: Type.Boolean() }),
  closed({ type: Type.Literal('contacts'), rev: Counter }),
  closed({ type: Type.Literal('request'), rev: Counter, request: PersonRequest }),
  closed({ type: Type.Literal('draft'), rev: Counter, ...DraftState.properties }),
  closed({ type: Type.Literal('scheduled'), rev: Counter, scheduled: ScheduledMessage }),
  closed({ type: Type.Literal('export'), rev: Counter, export: Export }),
  closed({ type: Type.Literal('preferences'), rev: Counter, conversationId: ConversationId, me: Membership })
])
export type SyncItem = Static<typeof SyncItem>

/**
 * A page of what changed after `since`, by `rev`, as current state. Complete up to `rev` (items above it may be
 * there already). `reset`: too far behind; drop the conversation, load a page of history, and pull from `rev`.
 */
export const SyncPage = closed({
  stream: StreamId,
  rev: Counter,
  more: Type.Boolean(),
  items: Type.Array(SyncItem, { maxItems: SYNC_PAGE_ITEMS }),
  reset: Type.Optional(Type.Literal(true))
})
export type SyncPage = Static<typeof SyncPage>

export const SyncPull = command('sync:pull', {
  description: 'The changes of one stream after a cursor.',
  data: closed({ stream: StreamId, since: Counter }),
  reply: SyncPage
})

export const Noop = durable(
  'either',
  'noop',
  'A change that does not concern you; it moves the cursor and nothing else.',
  closed({})
)
