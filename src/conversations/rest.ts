import * as contracts from '../../protocol/conversations/routes.ts'
import { type BoundRoute, route } from '../contract/route.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { ConversationListService } from './conversation-list.ts'
import type { ConversationService } from './conversations.ts'
import type { GroupService } from './groups.ts'
import type { PreferenceService } from './preferences.ts'
import { type ReceiptService, requireCursor } from './receipts.ts'
import type { TypingService } from './typing.ts'

interface ConversationRouteDeps {
  readonly conversations: ConversationService
  readonly conversationList: ConversationListService
  readonly groups: GroupService
  readonly preferences: PreferenceService
  readonly receipts: ReceiptService
  readonly typing: TypingService
}

/** Routes of conversations, their members, receipts and typing, and of how one member keeps them. */
export function conversationRoutes(deps: ConversationRouteDeps): BoundRoute[] {
  return [...sharedRoutes(deps), ...memberRoutes(deps), ...ownRoutes(deps)]
}

function sharedRoutes({ conversations, conversationList, groups }: ConversationRouteDeps): BoundRoute[] {
  return [
    route(contracts.CreateConversation, async ({ actor, body }, reply) => {
      const { conversation, isNew } = await conversations.create(actor, body)
      reply.code(isNew ? 201 : 200)
      return conversation
    }),
    route(contracts.ListConversations, async ({ actor, query: { archived, pinned, unread, ...query } }) => {
      const flags = omitUndefined({ archived: flag(archived), pinned: flag(pinned), unread: flag(unread) })
      return await conversationList.page(actor, { ...query, ...flags })
    }),
    route(
      contracts.GetConversation,
      async ({ actor, params }) => await conversations.get(actor, params.conversationId)
    ),
    route(
      contracts.UpdateConversation,
      async ({ actor, params, body }) => await groups.update(actor, params.conversationId, body)
    )
  ]
}

function memberRoutes({ conversations, groups }: ConversationRouteDeps): BoundRoute[] {
  return [
    route(
      contracts.ListMembers,
      async ({ actor, params, query }) => await conversations.members(actor, params.conversationId, query)
    ),
    route(
      contracts.AddMembers,
      async ({ actor, params, body }) => await groups.add(actor, params.conversationId, body.userIds)
    ),
    route(
      contracts.ChangeMember,
      async ({ actor, params, body }) => await groups.setRole(actor, params.conversationId, params.userId, body.role)
    ),
    route(
      contracts.RemoveMember,
      async ({ actor, params }) => await groups.remove(actor, params.conversationId, params.userId)
    ),
    route(contracts.LeaveConversation, async ({ actor, params }) => await groups.leave(actor, params.conversationId))
  ]
}

function ownRoutes({ groups, preferences, receipts, typing }: ConversationRouteDeps): BoundRoute[] {
  return [
    route(contracts.SetReceipt, async ({ actor, params, body }) => {
      requireCursor(body)
      return await receipts.mark(actor, params.conversationId, body)
    }),
    route(contracts.SetTyping, async ({ actor, params, body }) => {
      if (body.isTyping) await typing.start(actor, params.conversationId)
      else await typing.stop(actor, params.conversationId)
    }),
    route(
      contracts.SetPreferences,
      async ({ actor, params, body }) => await preferences.set(actor, params.conversationId, body)
    ),
    route(
      contracts.ClearConversation,
      async ({ actor, params }) => await preferences.clear(actor, params.conversationId)
    ),
    route(contracts.DeleteConversation, async ({ actor, params, query }) => {
      if (query.scope === 'everyone') await groups.end(actor, params.conversationId)
      else await preferences.hide(actor, params.conversationId)
    })
  ]
}

function flag(text: 'true' | 'false' | undefined): boolean | undefined {
  return text === undefined ? undefined : text === 'true'
}
