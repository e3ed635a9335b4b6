import { type TSchema, Type } from '@sinclair/typebox'
import { ConversationId, MessageId, UserId } from '../../../protocol/ids.ts'
import { commands as canonicalCommands } from '../../../protocol/index.ts'
import { Emoji } from '../../../protocol/reactions/entities.ts'
import type { Dialect } from '../../../src/dialects/kit/dialect.ts'
import { ACTIONS, type Action, type ActionName } from './actions.ts'
import { COMMANDS, ROUTES } from './doing.ts'
import { type Asked, fieldsOf, type Ids, kindOf, requestFor, sample } from './request.ts'
import type { Place } from './table.ts'

/** Way of doing something. */
export interface Case {
  readonly name: ActionName
  readonly action: Action
  readonly place: Place
  /** Optional fields that are given, some with their values: `scope=me`. */
  readonly words: readonly string[]
}

/** The method of what is said on a socket; its path is the name of the command. */
export const SAY = 'SAY'

/** Fields of the dialects’ commands, by the names that the documents use. */
const said = Type.Partial(
  Type.Object({
    ...{ conversationId: ConversationId, conversation: ConversationId, to: UserId, recipientId: UserId },
    ...{ messageId: MessageId, readUpTo: MessageId, deliveredUpTo: MessageId },
    ...{ text: Type.String(), content: Type.String(), emoji: Emoji, scope: Type.String() }
  })
)

/** Commands that name nobody and nothing of anybody. */
const OWN_COMMANDS = ['hello', 'auth:refresh', 'ping', 'presence:set', 'sync:heads']

/** Commands of every vocabulary, as places. */
export function commandPlaces(dialects: readonly Dialect[]): Place[] {
  const place = { method: SAY, isPublic: false, isForm: false, refusals: [] }
  const canonical = canonicalCommands
    .filter(({ type }) => !OWN_COMMANDS.includes(type))
    .map(({ type, data }) => ({ ...place, face: 'canonical', url: type, parts: { body: data } }))
  const others = dialects.flatMap(({ name, realtime }) =>
    realtime.commands.types.map(type => ({ ...place, face: name, url: type, parts: { body: said } }))
  )
  return [...canonical, ...others]
}

/** Cases of every place. Places that name a person or thing must all be in the tables. */
export function casesOf(places: readonly Place[]): Case[] {
  return places.flatMap(place => {
    const entries = place.method === SAY ? COMMANDS : ROUTES
    return Object.entries(entries).flatMap(([name, lines]) =>
      lines.flatMap(line => {
        const [first, second, ...words] = line.split(' ')
        const isMeant = `${first} ${second}` === shapeOf(place) && words.every(word => has(place, word))
        const action: Action = ACTIONS[name as ActionName]
        return isMeant ? [{ name: name as ActionName, action, place, words }] : []
      })
    )
  })
}

/** The lines of the tables that no place answers to. */
export function unusedLines(cases: readonly Case[]): string[] {
  const used = new Set(cases.map(({ name, place, words }) => [name, shapeOf(place), ...words].join(' ')))
  return [ROUTES, COMMANDS].flatMap(table =>
    Object.entries(table).flatMap(([name, lines]) =>
      lines.map(line => `${name} ${line}`).filter(line => !used.has(line))
    )
  )
}

/** Whether a place names a person, a conversation, a message or a request. */
export function namesSomething(place: Place): boolean {
  return (
    place.method === SAY || fieldsOf(place).some(field => kindOf(field) !== undefined || field.path.join() === 'ids')
  )
}

/** As the tables write it: without the name of the dialect, and without the names of parameters. */
function shapeOf({ face, method, url }: Place): string {
  if (method === SAY) return `${face} ${url}`
  const path = url.startsWith(`/${face}/`) ? url.slice(face.length + 1) : url
  return `${method} ${path.replace(/:[^/]+/g, ':')}`
}

function has(place: Place, word: string): boolean {
  return fieldsOf(place).some(({ part, path }) => part !== 'params' && path.length === 1 && path[0] === nameOf(word))
}

const nameOf = (word: string): string => word.split('=')[0] ?? ''

/** Request of this case, with these ids. */
export function askedOf({ place, words }: Case, ids: Ids): Asked {
  const narrowed = { ...place, parts: narrow(place.parts, words) }
  const { params, querystring, body } = requestFor(narrowed, ids, false)
  const parts = { querystring: { ...querystring }, body: body as Record<string, unknown> | undefined }
  for (const word of words) {
    const name = nameOf(word)
    const field = fieldsOf(narrowed).find(({ part, path }) => part !== 'params' && path.join() === name)
    if (field === undefined || field.part === 'params') throw new Error(`No field ${word}`)
    const { part, schema } = field
    Object.assign(parts, { [part]: { ...parts[part], [name]: wordValue(word, schema, ids) } })
  }
  return { params, ...parts }
}

function wordValue(word: string, schema: TSchema, ids: Ids): unknown {
  const [name = '', value] = word.split('=')
  if (value !== undefined) return value
  return name === 'ids' ? ids.user : sample(schema, ids, true, [name])
}

/** Of several forms that a body may have, the one that has these fields. */
function narrow({ body, ...parts }: Place['parts'], words: readonly string[]): Place['parts'] {
  const forms = (body?.['anyOf'] ?? []) as TSchema[]
  const form = forms.find(({ properties = {} }) => words.every(word => fits(properties, word))) ?? body
  return { ...parts, ...(form && { body: form }) }
}

function fits(properties: Record<string, TSchema>, word: string): boolean {
  const [name = '', value] = word.split('=')
  const field = properties[name]
  return field !== undefined && (value === undefined || field['const'] === undefined || field['const'] === value)
}

/** Kinds of things that are named. */
export function kindsNamed({ place }: Case, { params, querystring, body }: Asked): Set<keyof Ids | undefined> {
  const given = new Set([params, querystring, body ?? {}].flatMap(part => Object.keys(part as object)))
  return new Set(fieldsOf(place).flatMap(field => (given.has(field.path[0] ?? '') ? kindOf(field) : [])))
}
