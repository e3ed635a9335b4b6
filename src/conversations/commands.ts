import {
  ConversationCreate,
  ConversationLeave,
  ConversationUpdate,
  MemberAdd,
  MemberRemove,
  MemberRole,
  ReceiptDelivered,
  ReceiptRead,
  TypingStart,
  TypingStop
} from '../../protocol/conversations/events.ts'
import { type BoundCommand, on } from '../contract/command.ts'
import type { ConversationService } from './conversations.ts'
import type { GroupService } from './groups.ts'
import type { ReceiptService } from './receipts.ts'
import type { TypingService } from './typing.ts'

interface ConversationCommandDeps {
  readonly conversations: ConversationService
  readonly groups: GroupService
  readonly receipts: ReceiptService
  readonly typing: TypingService
}

/** Commands of conversations, members, receipts and typing. */
export function conversationCommands({
  conversations,
  groups,
  receipts,
  typing
}: ConversationCommandDeps): BoundCommand[] {
  return [
    on(ConversationCreate, async ({ actor }, data) => (await conversations.create(actor, data)).conversation),
    on(
      ConversationUpdate,
      async ({ actor }, { conversationId, ...changes }) => await groups.update(actor, conversationId, changes)
    ),
    on(ConversationLeave, async ({ actor }, { conversationId }) => await groups.leave(actor, conversationId)),
    on(MemberAdd, async ({ actor }, { conversationId, userIds }) => await groups.add(actor, conversationId, userIds)),
    on(
      MemberRemove,
      async ({ actor }, { conversationId, userId }) => await groups.remove(actor, conversationId, userId)
    ),
    on(
      MemberRole,
      async ({ actor }, { conversationId, userId, role }) => await groups.setRole(actor, conversationId, userId, role)
    ),
    on(
      ReceiptDelivered,
      async ({ actor }, { conversationId, seq }) => await receipts.mark(actor, conversationId, { deliveredSeq: seq })
    ),
    on(
      ReceiptRead,
      async ({ actor }, { conversationId, seq }) => await receipts.mark(actor, conversationId, { readSeq: seq })
    ),
    on(TypingStart, async ({ actor }, { conversationId }) => {
      await typing.start(actor, conversationId)
      return {}
    }),
    on(TypingStop, async ({ actor }, { conversationId }) => {
      await typing.stop(actor, conversationId)
      return {}
    })
  ]
}
