import { type Static, type TObject, type TProperties, type TSchema, type TUnsafe, Type } from '@sinclair/typebox'
import { MAX_PAGE_SIZE } from './limits.ts'

/** An object that takes these fields and no others. */
export function closed<T extends TProperties>(properties: T, description?: string): TObject<T> {
  return Type.Object(properties, { additionalProperties: false, ...(description === undefined ? {} : { description }) })
}

/** The schema with examples, in the order in which documents show them; a client that sends the first is served. */
export function withExamples<T extends TSchema>(schema: T, ...examples: readonly Static<T>[]): T {
  return { ...schema, examples }
}

/** Schema of one of the given words. */
export function oneOf<const T extends string>(...words: readonly T[]): TUnsafe<T> {
  return Type.Unsafe<T>(Type.Union(words.map(word => Type.Literal(word))))
}

/** A moment: ISO 8601, UTC, with milliseconds. */
export const Timestamp = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
  examples: ['2026-11-21T09:30:00.000Z']
})

/** A moment as it is asked for: RFC 3339, with any fraction of a second, in UTC or with its distance from it. */
export const Moment = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})?(?:[Zz]|[+-]\\d\\d:\\d\\d)$',
  maxLength: 40,
  examples: ['2026-11-21T09:30:00Z']
})

/** Characters that are not shown, or turn the direction of what is. */
const HIDDEN = '\\s\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff'
const HOST = `[^${HIDDEN}/?#@:\\[\\]\\\\%<>^|"\`]+`

/** An address on the web: http or https, a host, neither a name nor a password, and nothing hidden. */
export const WebAddress = Type.String({
  maxLength: 2_048,
  pattern: `^https?://(?:\\[[0-9A-Fa-f:.]+\\]|${HOST})(?::\\d{1,5})?(?:[/?#][^${HIDDEN}]*)?$`,
  examples: ['https://pictures.example/1.png']
})

/** A counter of messages (`seq`) or of changes (`rev`); 0 is before the first. */
export const Counter = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, examples: [1] })

/** Number of items of a page. */
export const PageLimit = Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE })

/** Position in a list by time, which a page names: milliseconds, and the id of its last item. */
export const TimeCursor = Type.String({ maxLength: 64, pattern: '^[0-9]{1,15}_[0-9a-f]{24}$' })

/** Text without control characters other than line breaks and tabs; well-formedness is checked by the services. */
export const PLAIN_TEXT = '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$'
