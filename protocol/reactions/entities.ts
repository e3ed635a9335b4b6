import { type Static, Type } from '@sinclair/typebox'
import { UserId } from '../ids.ts'
import { closed, Timestamp } from '../schema.ts'

/** Emoji, as one grapheme. */
export const Emoji = Type.String({ minLength: 1, maxLength: 64, examples: ['👍'] })

/** People who reacted with one emoji: how many, and the first twenty of them with the moments when they did. */
export const Reaction = closed({
  emoji: Emoji,
  count: Type.Integer({ minimum: 1 }),
  userIds: Type.Array(UserId, { maxItems: 20 }),
  reactedAt: Type.Array(Timestamp, { maxItems: 20 })
})
export type Reaction = Static<typeof Reaction>
