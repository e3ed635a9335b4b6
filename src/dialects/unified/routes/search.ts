import { type Static, Type } from '@sinclair/typebox'
import { bareId, ConversationId, UserId } from '../../../../protocol/ids.ts'
import { MessageType } from '../../../../protocol/messages/entities.ts'
import { oneOf } from '../../../../protocol/schema.ts'
import type { FoundMessage } from '../../../../protocol/search/entities.ts'
import { MessageSearchQuery } from '../../../../protocol/search/events.ts'
import { AppError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import { limitOf, pageQuery } from '../../kit/paging.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answerPage } from '../present/answers.ts'
import { presentMessage } from '../present/message.ts'

const Time = Type.Optional(
  Type.String({
    maxLength: 40,
    pattern: '^(?:\\d{1,15}|\\d{4}-\\d\\d-\\d\\d(?:[Tt ].*)?)$',
    description: 'A day, a moment (ISO 8601), or milliseconds since 1970.'
  })
)
const Query = Type.Object({
  q: MessageSearchQuery.q,
  conversationId: Type.Optional(ConversationId),
  conversation: Type.Optional(ConversationId),
  sender: Type.Optional(UserId),
  senderId: Type.Optional(UserId),
  type: Type.Optional(MessageType),
  hasFile: Type.Optional(oneOf('true', 'false')),
  from: Time,
  to: Time,
  ...pageQuery,
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'From 1; the first 1,000 messages.' })),
  next: MessageSearchQuery.cursor
})
const DAY_MS = 86_400_000
const DAY = /^\d{4}-\d\d-\d\d$/
const MILLISECONDS = /^\d{1,15}$/

/** Document 1, row 1.7. */
export function searchRoutes(services: Services): DialectRoute[] {
  return [
    dialectRoute(
      'GET /messages/search',
      {
        summary: 'Messages of one’s conversations by their words, newest first',
        answer: answers.FoundPage,
        query: Query
      },
      async ({ actor, query }) => {
        const { results, next, complete } = await services.messageSearch.find(actor, requestOf(query))
        const shown = await Promise.all(results.map(async found => await presentFound(services, found)))
        const { page } = query
        const pagination = { limit: limitOf(query), hasMore: next !== undefined, next: next ?? null, complete }
        return answerPage(shown, { ...pagination, ...omitUndefined({ page }) })
      }
    )
  ]
}

function requestOf(query: Static<typeof Query>) {
  const { q, type, hasFile, page, from, to, next: cursor } = query
  return {
    limit: limitOf(query),
    ...omitUndefined({
      q,
      type,
      page,
      cursor,
      conversationId: query.conversationId ?? query.conversation,
      senderId: query.senderId ?? query.sender,
      hasFile: hasFile && hasFile === 'true',
      after: from && momentOf('from', from, 0),
      before: to && momentOf('to', to, DAY.test(to) ? DAY_MS : 1)
    })
  }
}

/** A moment as the protocol has it. @param laterMs how much later, ms: the end of a day, or of the millisecond */
function momentOf(field: string, text: string, laterMs: number): string {
  const time = MILLISECONDS.test(text) ? Number(text) : Date.parse(text)
  const moment = new Date(time + laterMs)
  const isWithin = moment.getUTCFullYear() >= 0 && moment.getUTCFullYear() <= 9_999
  if (!isWithin) throw new AppError('invalid', `${field} is not a moment`)
  return moment.toISOString()
}

async function presentFound({ pairs }: Services, { message, snippet: { text, highlights } }: FoundMessage) {
  const shown = presentMessage(message, await pairs.find(bareId(message.conversationId)))
  return { ...shown, snippet: text, highlights, highlighted: markUp(text, highlights) }
}

/** HTML of a snippet. */
function markUp(text: string, highlights: FoundMessage['snippet']['highlights']): string {
  let at = 0
  let html = ''
  for (const { start, end } of highlights) {
    html += `${escapeHtml(text.slice(at, start))}<mark>${escapeHtml(text.slice(start, end))}</mark>`
    at = end
  }
  return html + escapeHtml(text.slice(at))
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, sign => `&#${sign.charCodeAt(0)};`)
}
