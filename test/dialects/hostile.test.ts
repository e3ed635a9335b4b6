import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import t, { type Test } from 'tap'
import { someOf } from '../kit/extent.ts'
import type { Answer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { ask, type Field, fieldsOf, type Ids, replaced, requestFor, sample } from '../matrix/routes/request.ts'
import { openScene, type Scene } from '../matrix/routes/scene.ts'
import { allDialects, codeOf, dialectPlaces, eachOnce, type Place, shapeOfBody } from '../matrix/routes/table.ts'

/** Values that an attacker writes where a document has text. */
const TEXTS = [
  'x'.repeat(10_000),
  '{"$ne":null}',
  '__proto__',
  'constructor',
  'null',
  '.*',
  '(((',
  '[a-',
  '\\',
  '$where',
  '../../etc/passwd',
  'a\u0000b',
  '%'
]
const NOT_TEXT = [{ $ne: null }, { $gt: '' }, { $regex: '.*' }, { _bsontype: 'ObjectId' }, ['x'], [], {}, 5, true, null]
const VALUES = { body: [...NOT_TEXT, ...TEXTS], querystring: [...TEXTS, ['a', 'b']], params: TEXTS }
/** Whole bodies, as they are written. */
const BODIES = [
  'null',
  '[]',
  '"text"',
  '5',
  '{',
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{"isAdmin":true}}}',
  `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`
]
/** Words that only the inside of the server uses. */
const INSIDE = /Mongo|BSON|ObjectId|\$ne|\bat .+\.[jt]s|node_modules|TypeBox|FST_|ERR_|undefined|SyntaxError|Unexpected/

const dialects = await allDialects(t)
/** Fields of forms are texts, whatever they look like. */
const places = eachOnce(dialectPlaces(dialects)).filter(({ isForm }) => !isForm)

for (const { name, realtime } of dialects) {
  t.test(`hostile input is refused in the words of ${name}, and leaves the server healthy`, async t => {
    const scene = await openScene(t)
    for (const place of places.filter(it => it.face === name)) {
      const problems: string[] = []
      for (const field of fieldsOf(place)) problems.push(...(await problemsOfField(scene, place, field)))
      if (place.method !== 'GET') problems.push(...(await problemsOfBodies(scene, place)))
      t.same(problems, [], `${place.method} ${place.url}`)
    }
    await requireHealthy(t, scene)
  })

  t.test(`hostile events are refused on the socket of ${name}, and leave the server healthy`, async t => {
    const scene = await openScene(t)
    const { server, ann, direct } = scene
    const options = { namespace: `/${name}`, auth: { token: ann.token } }
    const socket = await PacketClient.open(t, server.url, options)
    t.not(realtime.commands.types.length, 0)
    for (const command of realtime.commands.types) {
      const problems = await problemsOfEvent(socket, command, realtime.commands.schemaOf(command), direct)
      t.same(problems, [], command)
      for (const data of [null, [], 'text', 5]) {
        t.match(await socket.ask(command, data), { error: { code: 'invalid' } }, `${command} ${JSON.stringify(data)}`)
      }
    }
    await requireHealthy(t, scene)
  })
}

/** Try every hostile value in every field of an event. @returns what was wrong with the acknowledgements */
async function problemsOfEvent(socket: PacketClient, command: string, schema: TSchema, ids: Ids): Promise<string[]> {
  const problems: string[] = []
  for (const field of fieldsOf({ parts: { body: schema } })) {
    for (const value of someOf([...NOT_TEXT, ...TEXTS], 2, `${command} ${field.path}`)) {
      const { body } = replaced({ params: {}, querystring: {}, body: goodEvent(schema, ids) }, field, value)
      const error = (await socket.ask(command, body))?.error
      const isAsDeclared = isTaken(field, value) || error?.code === 'invalid'
      const what = `${JSON.stringify(value).slice(0, 60)} in ${field.path.join('.')}: ${JSON.stringify(error)}`
      if (!isAsDeclared || !isCivil(error)) problems.push(what)
    }
  }
  return problems
}

/** Whether a refusal tells nothing of the inside. */
function isCivil(error: { code: string } | undefined): boolean {
  return error === undefined || (error.code !== 'internal' && !INSIDE.test(JSON.stringify(error)))
}

/** Event with its required fields, place and content, by the names that the document has. */
function goodEvent(schema: TSchema, { conv: conversationId, msg: messageId, ...ids }: Ids): object {
  const said = { conversationId, messageId, text: 'Hello', content: 'Hello', emoji: '👍' }
  const known = Object.entries(said).filter(([name]) => name in schema['properties'])
  const required = sample(schema, { ...ids, conv: conversationId, msg: messageId }, false) as object
  return { ...required, ...Object.fromEntries(known) }
}

/** Try every hostile value in one field. @returns what was wrong with the answers */
async function problemsOfField({ server, ann, direct }: Scene, place: Place, field: Field): Promise<string[]> {
  const problems: string[] = []
  for (const value of someOf(VALUES[field.part], 2, `${place.method} ${place.url} ${field.path}`)) {
    const answer = await ask(server, ann, place, replaced(requestFor(place, direct, false), field, value))
    const what = `${JSON.stringify(value)?.slice(0, 60)} in ${field.path.join('.')}`
    problems.push(...problemsOf(place, answer, what))
    if (!isTaken(field, value) && answer.status < 400) problems.push(`${what} is taken`)
  }
  return problems
}

/** Whether the document allows it. In a query there is only text, and whole numbers are read from it. */
function isTaken({ part, schema }: Field, value: unknown): boolean {
  const isListed = part === 'querystring' && Array.isArray(value)
  return !isListed && Value.Check(schema, value)
}

/** Try every hostile body as a whole. @returns what was wrong with the answers */
async function problemsOfBodies({ server, ann, direct }: Scene, place: Place): Promise<string[]> {
  const { params, querystring } = requestFor(place, { ...direct, conv: 'f'.repeat(24), msg: 'f'.repeat(24) }, false)
  const problems: string[] = []
  for (const body of someOf(BODIES, 2, `${place.method} ${place.url}`)) {
    const answer = await ask(server, ann, place, { params, querystring, body })
    problems.push(...problemsOf(place, answer, `the body ${body.slice(0, 60)}`))
  }
  return problems
}

/** Never an accident, nothing of the inside, and every refusal in the words of the app. */
function problemsOf({ refusals }: Place, { status, body, text }: Answer, what: string): string[] {
  if (status >= 500) return [`${what}: ${status} ${text}`]
  if (status < 400) return []
  const isRight = !INSIDE.test(text) && refusals.includes(shapeOfBody(body)) && /^[a-z_]+$/.test(codeOf(body) ?? '')
  return isRight ? [] : [`${what}: ${status} ${text}`]
}

async function requireHealthy(t: Test, { server, ann, group }: Scene): Promise<void> {
  t.equal(({} as { isAdmin?: boolean }).isAdmin, undefined)
  const path = `/v1/conversations/conv_${group.conv}/messages`
  t.equal((await server.call(ann, 'POST', path, { clientId: 'last', text: 'Still here' })).status, 201)
  t.equal((await server.call(undefined, 'GET', '/health/ready')).status, 200)
}
