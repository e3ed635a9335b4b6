import { randomUUID } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { MessageId } from '../../../protocol/ids.ts'
import { MAX_FORWARD_TARGETS } from '../../../protocol/limits.ts'
import { Attachment, ClientId } from '../../../protocol/messages/entities.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { type DialectDeps, type DialectRoute, dialectRoute } from '../kit/dialect.ts'
import { historyQuery, limitOf, pageQuery, placeOf } from '../kit/paging.ts'
import { sendMessage } from '../kit/sending.ts'
import type { Services } from '../kit/services.ts'
import * as answers from './answers.ts'
import { ChatId, findChat, forwardInto, openChat, openChatId, requireChat } from './content.ts'
import { presentChat, presentForwarded, presentMessage, presentMessages } from './present.ts'

const params = Type.Object({ otherUserId: ChatId })
const messageParams = Type.Object({ otherUserId: ChatId, messageId: MessageId })
const pinsQuery = { limit: historyQuery.limit, before: historyQuery.before }
const Text = Type.String({ maxLength: 16_384 })
/** Messages of a chat, and of all chats of a list together; there is at least one of each. */
const LISTED_MESSAGES = 20
const MAX_LISTED = 400

const answer = (message: string, data: object) => ({ success: true, message, data })

/** Document 4, "API Endpoints". */
export function createRoutes({ services }: DialectDeps): DialectRoute[] {
  return [
    ...chatRoutes(services),
    ...messageRoutes(services),
    ...forwardRoutes(services),
    ...pinRoutes(services),
    ...clearingRoutes(services),
    ...muteRoutes(services)
  ]
}

function chatRoutes(services: Services): DialectRoute[] {
  return [
    dialectRoute(
      'GET /api/v1/chat',
      { summary: 'List all chats', answer: answers.Chats, query: Type.Object(pageQuery) },
      async ({ actor, query }) => {
        const { conversations } = await services.conversationList.page(actor, {
          limit: limitOf(query),
          ...pageOf(query)
        })
        const details = await services.details.findAll(actor, conversations)
        const each = Math.min(LISTED_MESSAGES, Math.ceil(MAX_LISTED / conversations.length))
        const messagesOf = await services.history.newest(actor, conversations, each)
        const chats = details.map(summary => presentChat(summary, messagesOf.get(summary.view.id) ?? []))
        return answer('Chats fetched successfully', { chats })
      }
    ),
    dialectRoute(
      'GET /api/v1/chat/:otherUserId',
      { summary: 'Get or create a chat', answer: answers.OneChat, params, isChanging: true },
      async ({ actor, params: { otherUserId } }) => {
        const [summary] = await services.details.findAll(actor, [await openChat(services, actor, otherUserId)])
        if (summary === undefined) throw new Error('A chat was opened and is not there')
        const { messages } = await services.history.page(actor, {
          conversationId: summary.view.id,
          limit: LISTED_MESSAGES
        })
        return answer('Chat fetched successfully', { chat: presentChat(summary, messages) })
      }
    )
  ]
}

const pageOf = ({ page }: { page?: number }) => omitUndefined({ page })

function messageRoutes(services: Services): DialectRoute[] {
  const { history, messages, details } = services
  return [
    dialectRoute(
      'GET /api/v1/chat/:otherUserId/messages',
      { summary: 'Get messages', answer: answers.Messages, params, query: Type.Object(historyQuery) },
      async ({ actor, params: { otherUserId }, query }) => {
        const view = await findChat(services, actor, otherUserId)
        if (view === undefined) return answer('Messages fetched successfully', { messages: [] })
        const page = await history.page(actor, { conversationId: view.id, ...placeOf(query) })
        const [summary] = await details.findAll(actor, [view])
        const shown = presentMessages(page.messages, summary?.participants ?? [])
        return answer('Messages fetched successfully', { messages: shown, more: page.more })
      }
    ),
    dialectRoute(
      'POST /api/v1/chat/:otherUserId/messages',
      {
        summary: 'Send a message',
        isSend: true,
        answer: answers.Sent,
        params,
        body: Type.Object({
          text: Type.Optional(Text),
          attachments: Type.Optional(Type.Array(Attachment, { maxItems: 10 })),
          replyTo: Type.Optional(MessageId),
          clientId: Type.Optional(ClientId)
        })
      },
      async ({ actor, params: { otherUserId }, body: { text, attachments, replyTo, clientId } }) => {
        const id = await openChatId(services, actor, otherUserId)
        const type = attachments?.[0]?.type
        const content = {
          ...omitUndefined({
            text: text === '' ? undefined : text,
            attachments: type && attachments,
            type,
            replyTo,
            clientId
          })
        }
        const message = await sendMessage({ messages }, actor, id, content)
        return answer('Message sent successfully', { message: presentMessage(message) })
      }
    )
  ]
}

/** "Future Enhancements", 3. */
function forwardRoutes(services: Services): DialectRoute[] {
  return [
    dialectRoute(
      'POST /api/v1/chat/:otherUserId/messages/:messageId/forward',
      {
        summary: 'Forward a message to other chats',
        isSend: true,
        answer: answers.Forwarded,
        params: messageParams,
        body: Type.Object({
          to: Type.Array(ChatId, { minItems: 1, maxItems: MAX_FORWARD_TARGETS }),
          clientId: Type.Optional(ClientId)
        })
      },
      async ({ actor, params: { otherUserId, messageId }, body: { to, clientId = randomUUID() } }) => {
        const { id: conversationId } = await requireChat(services, actor, otherUserId)
        const chats = await forwardInto(services, actor, { conversationId, messageId, clientId, to })
        return answer('Message forwarded successfully', presentForwarded(chats))
      }
    )
  ]
}

/** "Future Enhancements", 4. */
function pinRoutes(services: Services): DialectRoute[] {
  const { messages, pins } = services
  return [
    dialectRoute(
      'POST /api/v1/chat/:otherUserId/messages/:messageId/pin',
      {
        summary: 'Pin a message, or take its pin off with `pinned: false`',
        answer: answers.Sent,
        params: messageParams,
        body: Type.Object({ pinned: Type.Optional(Type.Boolean()) })
      },
      async ({ actor, params: { otherUserId, messageId }, body: { pinned = true } }) => {
        const { id: conversationId } = await requireChat(services, actor, otherUserId)
        const place = { conversationId, messageId }
        const message = pinned ? await pins.add(actor, place) : await pins.remove(actor, place)
        return answer(pinned ? 'Message pinned' : 'Message unpinned', { message: presentMessage(message) })
      }
    ),
    dialectRoute(
      'GET /api/v1/chat/:otherUserId/pins',
      { summary: 'Pinned messages', answer: answers.Messages, params, query: Type.Object(pinsQuery) },
      async ({ actor, params: { otherUserId }, query }) => {
        const view = await findChat(services, actor, otherUserId)
        if (view === undefined) return answer('Pinned messages fetched successfully', { messages: [] })
        const { id: conversationId } = view
        const last = query.before && (await messages.get(actor, { conversationId, messageId: query.before }))
        const place = { limit: limitOf(query), ...(last && { before: last.seq }) }
        const page = await pins.list(actor, { conversationId, ...place })
        const [summary] = await services.details.findAll(actor, [view])
        const shown = presentMessages(page.messages, summary?.participants ?? [])
        return answer('Pinned messages fetched successfully', { messages: shown, more: page.more })
      }
    )
  ]
}

function clearingRoutes(services: Services): DialectRoute[] {
  const { preferences, receipts } = services
  return [
    dialectRoute(
      'DELETE /api/v1/chat/:otherUserId/messages',
      { summary: 'Clear the chat', answer: answers.Done, params },
      async ({ actor, params: { otherUserId } }) => {
        const view = await findChat(services, actor, otherUserId)
        if (view !== undefined) await preferences.clear(actor, view.id)
        return answer('Chat cleared successfully', {})
      }
    ),
    dialectRoute(
      'POST /api/v1/chat/:otherUserId/mark-all-seen',
      { summary: 'Mark all as seen', answer: answers.Done, params },
      async ({ actor, params: { otherUserId } }) => {
        const view = await findChat(services, actor, otherUserId)
        if (view !== undefined) await receipts.mark(actor, view.id, { readSeq: view.head.seq })
        return answer('All messages marked as seen', {})
      }
    )
  ]
}

function muteRoutes(services: Services): DialectRoute[] {
  const muted = (message: string, isMuted: boolean) => ({ ...answer(message, { muted: isMuted }), muted: isMuted })
  return [
    dialectRoute(
      'POST /api/v1/chat/:otherUserId/mute',
      {
        summary: 'Mute or unmute; turns it over without `muted`',
        answer: answers.Muted,
        params,
        body: Type.Object({ muted: Type.Optional(Type.Boolean()) })
      },
      async ({ actor, params: { otherUserId }, body }) => {
        const found = await findChat(services, actor, otherUserId)
        const { id, me } = found ?? (await openChat(services, actor, otherUserId))
        const isMuted = body.muted ?? !(me.preferences?.muted ?? false)
        await services.preferences.set(actor, id, { muted: isMuted })
        return muted(isMuted ? 'Chat muted' : 'Chat unmuted', isMuted)
      }
    ),
    dialectRoute(
      'GET /api/v1/chat/:otherUserId/mute-status',
      { summary: 'Whether the chat is muted', answer: answers.Muted, params },
      async ({ actor, params: { otherUserId } }) => {
        const view = await findChat(services, actor, otherUserId)
        return muted('Mute status fetched', view?.me.preferences?.muted ?? false)
      }
    )
  ]
}
