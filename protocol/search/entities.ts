import { type Static, Type } from '@sinclair/typebox'
import { MAX_PAGE_SIZE } from '../limits.ts'
import { Message } from '../messages/entities.ts'
import { closed } from '../schema.ts'

/** A part of a text: UTF-16 units from its beginning, the end behind it. */
const Range = closed({ start: Type.Integer({ minimum: 0 }), end: Type.Integer({ minimum: 0 }) })

/** Part of a message’s text around what was found in it, and where in this part that is. */
export const Snippet = closed({ text: Type.String(), highlights: Type.Array(Range) })
export type Snippet = Static<typeof Snippet>

/** A message that was found. */
export const FoundMessage = closed({ message: Message, snippet: Snippet })
export type FoundMessage = Static<typeof FoundMessage>

/**
 * A page of messages, the newest first. `complete` is false where the time of a request was over before the page was
 * full: it may be empty then. With `next` there may be more.
 */
export const MessageSearchPage = closed({
  results: Type.Array(FoundMessage, { maxItems: MAX_PAGE_SIZE }),
  complete: Type.Boolean(),
  next: Type.Optional(Type.String({ description: 'Give it as `cursor` to go on.' }))
})
export type MessageSearchPage = Static<typeof MessageSearchPage>
