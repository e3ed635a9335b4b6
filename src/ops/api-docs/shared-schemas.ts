import type { TSchema } from '@sinclair/typebox'
import { QrState, Session, SignedIn } from '../../../protocol/accounts/entities.ts'
import {
  Conversation,
  ConversationView,
  Member,
  Membership,
  Receipt
} from '../../../protocol/conversations/entities.ts'
import { NewConversation } from '../../../protocol/conversations/events.ts'
import { ERRORS } from '../../../protocol/errors.ts'
import { Message, Quote } from '../../../protocol/messages/entities.ts'
import { Presence } from '../../../protocol/presence/entities.ts'
import { Reaction } from '../../../protocol/reactions/entities.ts'
import { Head } from '../../../protocol/sync/entities.ts'
import { SyncItem } from '../../../protocol/sync/events.ts'
import { Device, Me, User } from '../../../protocol/users/entities.ts'

/** A schema as plain JSON. */
export type Json = Record<string, unknown>

/** A refusal: the `error` of a reply and of a REST body. */
export const WireErrorSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['code', 'message', 'retry'],
  properties: {
    code: { type: 'string', enum: Object.keys(ERRORS), description: 'For programs; never renamed or reused.' },
    message: { type: 'string', description: 'For people; may change.' },
    retry: { type: 'string', enum: ['no', 'auth', 'later'], description: 'Never, with a new token, or later.' },
    retryAfterMs: { type: 'integer', minimum: 0 },
    requestId: { type: 'string', description: 'REST only: the id of the request in the log.' }
  }
}

/** Schemas that appear in several places, by their name in the documents. */
const SHARED: Record<string, TSchema> = {
  Conversation,
  ConversationView,
  Device,
  Head,
  Me,
  Member,
  Membership,
  Message,
  NewConversation,
  Presence,
  QrState,
  Quote,
  Reaction,
  Receipt,
  Session,
  SignedIn,
  SyncItem,
  User
}

const nameOf = new Map(Object.entries(SHARED).map(([name, schema]) => [JSON.stringify(asJson(schema)), name]))

/** The shared schemas, for `components.schemas`. */
export function sharedSchemas(): Json {
  const entries = Object.entries(SHARED).map(([name, schema]) => [name, withRefs(schema, name)])
  return { ...Object.fromEntries(entries), Error: WireErrorSchema }
}

/** The same document with a reference in place of each schema that is shared, except the one that is being named. */
export function withRefs(value: unknown, except?: string): unknown {
  return fold(asJson(value), except)
}

function fold(value: unknown, except?: string): unknown {
  if (typeof value !== 'object' || value === null) return value
  const name = nameOf.get(JSON.stringify(value))
  if (name !== undefined && name !== except) return { $ref: `#/components/schemas/${name}` }
  if (Array.isArray(value)) return value.map(item => fold(item))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fold(item)]))
}

interface Keywords {
  type?: unknown
  const?: unknown
  enum?: unknown
  anyOf?: unknown
}

/** A schema as plain JSON, with `enum` for a choice of words: what generators of clients read best. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    const { const: word, anyOf, ...rest } = item as Keywords
    if (typeof word === 'string' && rest.type === 'string') return { ...rest, enum: [word] }
    if (!Array.isArray(anyOf)) return item
    const words = anyOf.flatMap((choice: Keywords) => (Array.isArray(choice.enum) ? choice.enum : [undefined]))
    return words.includes(undefined) ? item : { ...rest, type: 'string', enum: words }
  })
}
