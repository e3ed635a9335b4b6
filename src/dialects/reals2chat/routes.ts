import { type Static, Type } from '@sinclair/typebox'
import type { ConversationView } from '../../../protocol/conversations/entities.ts'
import { Ringtone } from '../../../protocol/conversations/entities.ts'
import { bareId, UserId } from '../../../protocol/ids.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import type { Actor } from '../../actor.ts'
import type { Participant } from '../../conversations/index.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { type DialectRoute, dialectRoute } from '../kit/dialect.ts'
import { historyQuery, placeOf } from '../kit/paging.ts'
import { sendToPerson } from '../kit/sending.ts'
import type { Services } from '../kit/services.ts'
import * as answers from './answers.ts'
import { contentOf, NewMessage } from './content.ts'
import { presentFriend, presentMessage, presentMetadata, type Status } from './present.ts'

const params = Type.Object({ otherUserId: UserId })

/** Document 3, "API Endpoints". */
export function createRoutes(services: Services): DialectRoute[] {
  return [friendsRoute(services), historyRoute(services), sendRoute(services), metadataRoute(services)]
}

function friendsRoute({ friends }: Services): DialectRoute {
  return dialectRoute('GET /api/friends', { summary: 'List friends', answer: answers.Friends }, async ({ actor }) => ({
    success: true,
    friends: (await friends.scopePresence(actor)).map(presentFriend)
  }))
}

function historyRoute(services: Services): DialectRoute {
  return dialectRoute(
    'GET /api/messages/:otherUserId',
    {
      summary: 'The messages with another person; what is answered counts as read',
      isChanging: true,
      answer: answers.History,
      params,
      query: Type.Object(historyQuery)
    },
    async ({ actor, params: { otherUserId }, query }) => {
      const view = await services.conversations.direct(actor, otherUserId)
      if (view === undefined) {
        await services.users.get(actor, otherUserId)
        return { success: true, messages: [], more: false }
      }
      const { messages, more } = await services.history.page(actor, { conversationId: view.id, ...placeOf(query) })
      return { success: true, messages: await readMessages(services, actor, { view, messages }), more }
    }
  )
}

/** Marks messages as read, and presents them. */
async function readMessages(
  { receipts, details }: Services,
  actor: Actor,
  { view, messages }: { view: ConversationView; messages: readonly Message[] }
) {
  const newest = messages.at(-1)
  if (newest !== undefined) await receipts.mark(actor, view.id, { readSeq: newest.seq })
  const [{ participants } = { participants: [] }] = await details.findAll(actor, [view])
  return messages.map(message => {
    const recipient = participants.find(({ user }) => user.id !== message.senderId)
    return presentMessage(message, recipient?.user.id ?? actor.userId, statusOf(message, recipient))
  })
}

function statusOf({ seq }: Message, recipient: Participant | undefined): Status {
  if ((recipient?.readSeq ?? 0) >= seq) return 'read'
  return (recipient?.deliveredSeq ?? 0) >= seq ? 'delivered' : 'sent'
}

function sendRoute(services: Services): DialectRoute {
  return dialectRoute(
    'POST /api/messages/send',
    { summary: 'Send a message', answer: answers.Sent, isSend: true, body: NewMessage, status: 201 },
    async ({ actor, body }) => {
      const message = await sendToPerson(services, actor, body.recipientId, contentOf(body))
      return { success: true, message: presentMessage(message, body.recipientId, 'sent') }
    }
  )
}

const Changes = Type.Object({
  isPinned: Type.Optional(Type.Boolean()),
  isBlocked: Type.Optional(Type.Boolean()),
  customRingtone: Type.Optional(Type.Union([Ringtone, Type.Null()])),
  isFavorite: Type.Optional(Type.Boolean())
})

function metadataRoute(services: Services): DialectRoute {
  const { blocks, conversations, users } = services
  return dialectRoute(
    'PUT /api/conversations/:otherUserId/metadata',
    { summary: 'Pin, block, set a ringtone, mark as favorite', answer: answers.ChangedMetadata, params, body: Changes },
    async ({ actor, params: { otherUserId }, body }) => {
      await users.get(actor, otherUserId)
      if (body.isBlocked === false) await blocks.remove(actor, otherUserId)
      await setPreferences(services, actor, otherUserId, body)
      if (body.isBlocked === true) await blocks.add(actor, otherUserId)
      const view = await conversations.direct(actor, otherUserId)
      const pair = { userId: actor.userId, otherUserId: bareId(otherUserId) }
      const metadata = presentMetadata(pair, view?.me.preferences, await blocks.has(actor, otherUserId))
      return { success: true, metadata, ...metadata }
    }
  )
}

async function setPreferences(
  { conversations, preferences }: Services,
  actor: Actor,
  otherUserId: string,
  { isPinned, customRingtone, isFavorite }: Static<typeof Changes>
): Promise<void> {
  const changes = omitUndefined({
    pinned: isPinned,
    ringtone: customRingtone === undefined ? undefined : (customRingtone ?? ''),
    favorite: isFavorite
  })
  if (Object.keys(changes).length === 0) return
  const view =
    (await conversations.direct(actor, otherUserId)) ??
    (await conversations.create(actor, { type: 'direct', userId: otherUserId })).conversation
  await preferences.set(actor, view.id, changes)
}
