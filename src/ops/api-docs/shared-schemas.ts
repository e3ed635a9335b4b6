import { QrLogin, QrState, Session, SessionRef, SignedIn } from '../../../protocol/accounts/entities.ts'
import { CodeSent } from '../../../protocol/accounts/routes.ts'
import {
  Conversation,
  ConversationView,
  GroupSettings,
  Member,
  Membership,
  Preferences,
  Receipt,
  RelatedEntity
} from '../../../protocol/conversations/entities.ts'
import { NewConversation } from '../../../protocol/conversations/events.ts'
import { ConversationPage, MemberPage, Revised } from '../../../protocol/conversations/routes.ts'
import { ERRORS } from '../../../protocol/errors.ts'
import { Attachment, ContactCard, Location, Message, Quote, SystemNote } from '../../../protocol/messages/entities.ts'
import { Changed, HistoryPage, Sent } from '../../../protocol/messages/events.ts'
import { MessageReceipts } from '../../../protocol/messages/routes.ts'
import { Presence } from '../../../protocol/presence/entities.ts'
import { Reaction } from '../../../protocol/reactions/entities.ts'
import { PersonRequest } from '../../../protocol/requests/entities.ts'
import { RequestPage } from '../../../protocol/requests/routes.ts'
import { Head } from '../../../protocol/sync/entities.ts'
import { SyncItem } from '../../../protocol/sync/events.ts'
import { Block, Contact, Device, Friend, Me, Settings, User } from '../../../protocol/users/entities.ts'
import { BlockPage, ContactMatches, ContactPage, FriendPage } from '../../../protocol/users/routes.ts'
import { NotReady, Ready } from '../contract.ts'

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

/** Schemas of one document by their names, in which they stand in place of what looks the same. */
export class NamedSchemas {
  readonly #schemas: Readonly<Record<string, unknown>>
  readonly #names: ReadonlyMap<string, string>

  constructor(schemas: Readonly<Record<string, object>>) {
    this.#schemas = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, asJson(schema)]))
    this.#names = new Map(Object.entries(this.#schemas).map(([name, schema]) => [keyOf(schema), name]))
  }

  /** The schemas, for `components.schemas`. */
  get all(): Json {
    return Object.fromEntries(Object.entries(this.#schemas).map(([name, schema]) => [name, this.#fold(schema, name)]))
  }

  /** The same value with a reference in place of each schema that has a name. */
  refs(value: unknown): unknown {
    return this.#fold(asJson(value))
  }

  /** @param except the schema that is being named */
  #fold(value: unknown, except?: string): unknown {
    if (typeof value !== 'object' || value === null) return value
    const name = this.#names.get(keyOf(value))
    if (name !== undefined && name !== except) return { $ref: `#/components/schemas/${name}` }
    if (Array.isArray(value)) return value.map(item => this.#fold(item))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#fold(item)]))
  }
}

/** Text by which a schema is known; examples make no other one of it. */
function keyOf(schema: unknown): string {
  return JSON.stringify({ ...(schema as object), examples: undefined })
}

/** Schemas of the contract that appear in several places. */
export const canonicalSchemas = new NamedSchemas({
  Attachment,
  Block,
  BlockPage,
  Changed,
  CodeSent,
  ContactCard,
  Contact,
  ContactMatches,
  ContactPage,
  Conversation,
  ConversationPage,
  ConversationView,
  Device,
  Friend,
  FriendPage,
  GroupSettings,
  Head,
  HistoryPage,
  Location,
  Me,
  Member,
  MemberPage,
  Membership,
  Message,
  MessageReceipts,
  NewConversation,
  NotReady,
  PersonRequest,
  Preferences,
  Presence,
  QrLogin,
  QrState,
  Quote,
  Reaction,
  Ready,
  Receipt,
  RelatedEntity,
  RequestPage,
  Revised,
  Sent,
  Session,
  SessionRef,
  Settings,
  SignedIn,
  SyncItem,
  SystemNote,
  User,
  Error: WireErrorSchema,
  Refusal: canonicalBody(WireErrorSchema)
})

/** The schema of a body of the canonical API that refuses. */
export function canonicalBody(error: Json): Json {
  return { type: 'object', additionalProperties: false, required: ['error'], properties: { error } }
}

interface Keywords {
  type?: unknown
  const?: unknown
  enum?: unknown
  anyOf?: unknown
}

/** A schema as plain JSON, with `enum` for a choice of words: what generators of clients read best. */
export function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    const { const: word, anyOf, ...rest } = item as Keywords
    if (typeof word === 'string' && rest.type === 'string') return { ...rest, enum: [word] }
    if (!Array.isArray(anyOf)) return item
    const words = anyOf.flatMap((choice: Keywords) => (Array.isArray(choice.enum) ? choice.enum : [undefined]))
    return words.includes(undefined) ? item : { ...rest, type: 'string', enum: words }
  })
}
