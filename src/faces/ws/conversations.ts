import {
  ConversationCreate,
  ConversationLeave,
  ConversationUpdate,
  MemberAdd,
  MemberRemove,
  MemberRole,
  SyncHeads,
  SyncPull
} from '../../../protocol/events/conversation.ts'
import { Gate } from '../../limits/gate.ts'
import type { Register } from '../../realtime/commands/dispatcher.ts'
import type { Services } from '../../services/index.ts'

/** Pages read at once for all who catch up; those who are level are not to feel it. */
const PULLS_AT_ONCE = 1
const MAX_WAITING_PULLS = 50_000

/** Socket face of conversations, members and catching up. */
export function conversationCommands(on: Register, { conversations, groups, sync }: Services): void {
  const pulls = new Gate(PULLS_AT_ONCE, MAX_WAITING_PULLS)
  on(ConversationCreate, async ({ actor }, data) => (await conversations.create(actor, data)).conversation)
  on(
    ConversationUpdate,
    async ({ actor }, { conversationId, ...changes }) => await groups.update(actor, conversationId, changes)
  )
  on(ConversationLeave, async ({ actor }, { conversationId }) => await groups.leave(actor, conversationId))
  on(MemberAdd, async ({ actor }, { conversationId, userIds }) => await groups.add(actor, conversationId, userIds))
  on(MemberRemove, async ({ actor }, { conversationId, userId }) => await groups.remove(actor, conversationId, userId))
  on(
    MemberRole,
    async ({ actor }, { conversationId, userId, role }) => await groups.setRole(actor, conversationId, userId, role)
  )
  on(
    SyncHeads,
    async ({ actor }, { cursors = {}, after }) => await pulls.run(async () => await sync.heads(actor, cursors, after))
  )
  on(
    SyncPull,
    async ({ actor }, { stream, since }) => await pulls.run(async () => await sync.pull(actor, stream, since))
  )
}
