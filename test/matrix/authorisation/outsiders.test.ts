import t, { type Test } from 'tap'
import { partOf, someOf } from '../../kit/extent.ts'
import type { Answer, Person } from '../../kit/helper.ts'
import { PacketClient } from '../../kit/packet-client.ts'
import { commandPlaces } from '../routes/cases.ts'
import { type Asked, ask, type Field, fieldsOf, type Ids, kindOf, replaced, requestFor } from '../routes/request.ts'
import { openScene, ownThings, type Scene, SECRET_TEXT } from '../routes/scene.ts'
import { allDialects, canonicalPlaces, codeOf, dialectPlaces, type Place, shapeOfBody } from '../routes/table.ts'

const dialects = await allDialects(t)
const places = [...canonicalPlaces(), ...dialectPlaces(dialects)]
const nameOf = ({ method, url }: Place) => `${method} ${url}`
/** Those that are asked with ids of others. */
const asked = partOf(places, 3, nameOf)
const faces = [...new Set(places.map(({ face }) => face))]

/** A refusal in the app’s own words. */
function requireRefusal(t: Test, place: Place, { body, text }: Answer, what: string): void {
  t.ok(place.refusals.includes(shapeOfBody(body)), `${what}: ${text} has the shape of a refusal`)
  t.match(codeOf(body), /^[a-z_]+$/, `${what}: has a code`)
}

for (const face of faces) {
  t.test(`nobody without a token gets anything of ${face}`, async t => {
    const { server, direct } = await openScene(t)
    for (const place of places.filter(it => it.face === face && !it.isPublic)) {
      for (const who of [undefined, { token: 'forged' }]) {
        const answer = await ask(server, who, place, requestFor(place, direct, true))
        const what = `${nameOf(place)} ${who === undefined ? 'without a token' : 'with a forged one'}`
        t.equal(answer.status, 401, what)
        t.equal(codeOf(answer.body), 'unauthenticated', what)
        requireRefusal(t, place, answer, what)
      }
    }
  })
}

for (const face of faces) {
  t.test(`with ids of others nobody gets or changes anything through ${face}`, async t => {
    const scene = await openScene(t)
    const { eve, dave, direct, group } = scene
    const strangers = [
      { who: eve, own: await ownThings(scene, eve), foreign: direct },
      { who: eve, own: await ownThings(scene, eve), foreign: group },
      { who: dave, own: await ownThings(scene, dave), foreign: group }
    ]
    for (const place of asked.filter(it => it.face === face && foreignFields(it).length > 0)) {
      await scene.writes.take()
      for (const stranger of someOf(strangers, 1, nameOf(place))) await requireNothing(t, scene, place, stranger)
      // A file is received before it is known where it is to go.
      const written = (await scene.writes.take()).filter(it => !place.isForm || !/^file/.test(it.collection))
      t.same(written, [], `${nameOf(place)} writes nothing`)
    }
  })
}

for (const { name, realtime } of dialects) {
  t.test(`with ids of others nobody says or changes anything on the socket of ${name}`, async t => {
    const scene = await openScene(t)
    const { server, eve, dave, group } = scene
    const [conversationId, messageId] = [group.conv, group.msg]
    const said = { text: 'Hello', content: 'Hello', emoji: '👍', scope: 'me', readUpTo: messageId }
    const data = { ...said, conversationId, messageId, deliveredUpTo: messageId }
    for (const who of [eve, dave]) {
      const socket = await PacketClient.open(t, server.url, { namespace: `/${name}`, auth: { token: who.token } })
      await scene.writes.take()
      for (const command of realtime.commands.types) {
        const { error } = await socket.ask(command, data)
        t.match(error?.code, /^(not_found|invalid)$/, command)
      }
      t.same(await scene.writes.take(), [], 'nothing was written')
      t.notMatch(JSON.stringify(socket.heard), SECRET_TEXT)
    }
  })
}

t.test('with ids of others nobody says or changes anything on the socket of canonical', async t => {
  const scene = await openScene(t)
  const { server, eve, dave, group } = scene
  for (const who of [eve, dave]) {
    const [own, socket] = [await ownThings(scene, who), await server.connect(who)]
    for (const place of commandPlaces([]).filter(it => foreignFields(it).length > 0)) {
      await scene.writes.take()
      const mixed = foreignFields(place).map(it => replaced(requestFor(place, own, false), it, idIn(it, group)))
      const codes = new Set<string>()
      for (const { body } of [requestFor(place, group, false), requestFor(place, group, true), ...mixed]) {
        const error = await socket.refused(place.url, body)
        t.match(error?.code, /^(not_found|invalid|rate_limited)$/, `${place.url} ${JSON.stringify(body)}`)
        codes.add(error?.code)
      }
      t.ok(codes.has('not_found'), `${place.url} is refused as not found: ${[...codes]}`)
      t.same(await scene.writes.take(), [], `${place.url} writes nothing`)
    }
    const heads = await socket.ask('sync:heads', { cursors: { [`conv_${group.conv}`]: 1 } })
    t.ok(Array.isArray(heads.heads))
    t.notMatch(JSON.stringify([heads.heads, socket.frames]), new RegExp(`${SECRET_TEXT}|${group.msg}`))
  }
})

/** The fields that name a conversation, a message or a request: people may be named by everybody. */
function foreignFields(place: Place): Field[] {
  return fieldsOf(place).filter(field => !['user', undefined].includes(kindOf(field)))
}

interface Stranger {
  readonly who: Person
  readonly own: Ids
  readonly foreign: Ids
}

/** Require nothing for a foreign id in each field in turn among the stranger’s own, and in all at once. */
async function requireNothing(t: Test, { server }: Scene, place: Place, { who, own, foreign }: Stranger) {
  const statuses = new Set<number>()
  for (const isFull of [false, true]) {
    const mixed = foreignFields(place).map(it => withForeign(place, it, requestFor(place, own, isFull), foreign))
    for (const asked of [requestFor(place, foreign, isFull), ...mixed]) {
      const answer = await ask(server, who, place, asked)
      const what = `${nameOf(place)} ${JSON.stringify(asked)} ${answer.status}`
      statuses.add(answer.status)
      if (answer.status >= 400) requireRefusal(t, place, answer, what)
      t.ok(answer.status < 500, what)
      t.notOk(isTold(answer, foreign), `${what}: tells nothing`)
    }
  }
  // What a list goes on from is no way to anything.
  const isCursor = foreignFields(place).every(({ path }) => ['after', 'before'].includes(path.join()))
  t.ok(isCursor || statuses.has(404) || statuses.has(403), `${nameOf(place)} is refused as not found: ${[...statuses]}`)
}

/** Without the other names that the same thing may have: one of them would count. */
function withForeign(place: Place, field: Field, asked: Asked, foreign: Ids): Asked {
  const named = replaced(asked, field, idIn(field, foreign))
  for (const { part, path, schema } of fieldsOf(place)) {
    const isSynonym = part === field.part && kindOf({ part, path, schema }) === kindOf(field) && path.length === 1
    const [name = ''] = path
    if (isSynonym && name !== field.path[0] && /^conversation(Id)?$/.test(name)) {
      delete (named[part] as Record<string, unknown>)[name]
    }
  }
  return named
}

function idIn(field: Field, ids: Ids): unknown {
  const kind = kindOf(field)
  const id = kind === undefined ? '' : ids[kind]
  return field.schema['type'] === 'array' ? [id] : id
}

/** Whether an answer holds something that only members know. */
function isTold({ status, text }: Answer, { conv, msg, req }: Ids): boolean {
  return text.includes(SECRET_TEXT) || (status < 400 && [conv, msg, req].some(id => text.includes(id)))
}
