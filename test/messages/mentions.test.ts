import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { joinServer, type Person, type TestServer } from '../kit/helper.ts'

type People = [Person, Person, Person]

const HOUR = 3_600_000

/** A group of three, whose owner is the first, and how to send into it. */
async function group(server: TestServer) {
  const [ann, ben, cleo] = (await server.people(3)) as People
  const id = await server.group(ann, ben, cleo)
  const path = `/v1/conversations/${id}/messages`
  let count = 0
  const send = async (body: object, who = ann) =>
    await server.call(who, 'POST', path, { clientId: `c${count++}`, ...body })
  const edit = async (messageId: string, body: object) => await server.call(ann, 'PATCH', `${path}/${messageId}`, body)
  const read = async (messageId: string) => (await server.call(ben, 'GET', `${path}/${messageId}`)).body
  return { ann, ben, cleo, id, path, send, edit, read }
}

const mentionsOf = ({ mentions, mentionRanges, mentionsEveryone }: Record<string, unknown>) => ({
  mentions,
  mentionRanges,
  mentionsEveryone
})
const NOTHING = { mentions: undefined, mentionRanges: undefined, mentionsEveryone: undefined }

t.test('ranges of a text say where it mentions whom, live, in history, in a pull and as one message', async t => {
  const server = await joinServer(t)
  const { ann, ben, cleo, id, path, send, read } = await group(server)
  const stranger = await server.person()
  const bens = await server.connect(ben)
  const { rev: since } = await bens.ask('sync:pull', { stream: id, since: 0 })
  const text = '😀 @Cleo, @Ben and @Stranger'
  const [ofCleo, ofBen] = [
    { offset: 3, length: 5, userId: cleo.id },
    { offset: 10, length: 4, userId: ben.id }
  ]
  const given = [{ ...ofBen, userId: ben.hex }, { offset: 19, length: 9, userId: stranger.id }, ofCleo]
  const sent = (await send({ text, mentions: [ann.id], mentionRanges: given })).body
  const expected = { mentions: [ann.id, cleo.id, ben.id], mentionRanges: [ofCleo, ofBen], mentionsEveryone: undefined }
  t.same(mentionsOf((await bens.next('message:new')).data), expected, 'live')
  t.same(mentionsOf(await read(sent.id)), expected, 'by its id')
  t.same(mentionsOf((await server.call(cleo, 'GET', path)).body.messages.at(-1)), expected, 'in history')
  t.same(mentionsOf((await bens.ask('sync:pull', { stream: id, since })).items[0].message), expected, 'in a pull')
  t.equal(text.slice(ofBen.offset, ofBen.offset + ofBen.length), '@Ben', 'in units of UTF-16')

  const unified = await server.call(ben, 'GET', `/messages?conversationId=${id}`)
  t.match(unified.body.data[0], { text, mentions: [ann.hex, cleo.hex, ben.hex] }, 'in an app that has a list')
})

t.test('ranges that do not fit their text are refused, and leave nothing', async t => {
  const server = await joinServer(t)
  const { ann, ben, id, path, send, edit } = await group(server)
  const at = (offset: number, length: number, more: object = { userId: ben.id }) => ({ offset, length, ...more })
  const text = 'a 😀 b'
  const first = (await send({ text })).body.id
  const cases: [string, object][] = [
    ['behind the end', { mentionRanges: [at(5, 2)] }],
    ['of the length of nothing', { mentionRanges: [at(0, 0)] }],
    ['before the beginning', { mentionRanges: [at(-1, 1)] }],
    ['no whole number', { mentionRanges: [at(0.5, 1)] }],
    ['half a character at its end', { mentionRanges: [at(0, 3)] }],
    ['half a character at its beginning', { mentionRanges: [at(3, 2)] }],
    ['overlapping', { mentionRanges: [at(0, 2), at(1, 1)] }],
    ['the same twice', { mentionRanges: [at(0, 1), at(0, 1)] }],
    ['of nobody', { mentionRanges: [at(0, 1, {})] }],
    ['of somebody and everyone', { mentionRanges: [at(0, 1, { userId: ben.id, everyone: true })] }],
    ['of nobody and not everyone', { mentionRanges: [at(0, 1, { everyone: false })] }],
    ['of no id', { mentionRanges: [at(0, 1, { userId: 'ben' })] }],
    ['of an id of something else', { mentionRanges: [at(0, 1, { userId: id })] }],
    ['with more in it', { mentionRanges: [at(0, 1, { userId: ben.id, url: 'https://a.example' })] }],
    ['too many', { mentionRanges: Array.from({ length: 51 }, (_, n) => at(n, 1)) }],
    ['no list', { mentionRanges: at(0, 1) }],
    ['a word for everyone', { mentionsEveryone: 'yes' }],
    [
      'more people than there may be, together',
      {
        mentions: Array.from({ length: 50 }, (_, n) => `${n}`.padStart(24, '0')),
        mentionRanges: [at(0, 1)]
      }
    ]
  ]
  for (const [why, mentions] of cases) {
    for (const refused of [await send({ text, ...mentions }), await edit(first, { text: 'c 😀 d', ...mentions })]) {
      t.match(refused, { status: 400, body: { error: { code: 'invalid' } } }, why)
    }
  }
  const sealed = { encryptedContent: 'AAAA', mentionRanges: [at(0, 1)] }
  t.match(await send(sealed), { status: 400 }, 'without a text there is no place in it')
  t.match(await edit(first, sealed), { status: 400 })
  const socket = await server.connect(ann)
  t.match(
    await socket.refused('message:send', { conversationId: id, clientId: 's', text, mentionRanges: [at(0, 9)] }),
    { code: 'invalid' }
  )
  const { messages } = (await server.call(ann, 'GET', path)).body
  t.equal(messages.filter(({ type }: { type: string }) => type === 'text').length, 1)
  t.match(messages.at(-1), { text, editedAt: undefined, ...NOTHING })
  const all = Array.from({ length: 50 }, (_, n) => at(n, 1))
  t.equal((await send({ text: 'x'.repeat(50), mentionRanges: all })).status, 201, 'as many as there may be')
})

t.test('everyone is mentioned by who manages the group, with a place in the text or without', async t => {
  const server = await joinServer(t)
  const { ann, ben, cleo, id, send, edit, read } = await group(server)
  const range = { offset: 0, length: 4, everyone: true }
  const flag = (await send({ text: 'Lunch', mentionsEveryone: true })).body.id
  t.match(await read(flag), { ...NOTHING, mentionsEveryone: true })
  const placed = (await send({ text: '@all lunch', mentionRanges: [range] })).body.id
  t.match(await read(placed), { mentions: undefined, mentionRanges: [range], mentionsEveryone: true })
  t.equal((await read((await send({ text: 'x', mentionsEveryone: false })).body.id)).mentionsEveryone, undefined)
  for (const body of [{ mentionsEveryone: true }, { mentionRanges: [range] }]) {
    t.match(await send({ text: '@all', ...body }, ben), { status: 403, body: { error: { code: 'forbidden' } } })
  }
  const pair = await server.direct(ann, ben)
  const direct = await server.call(ann, 'POST', `/v1/conversations/${pair}/messages`, {
    clientId: 'd',
    text: 'both',
    mentionsEveryone: true
  })
  t.match(direct, { status: 400, body: { error: { code: 'invalid' } } }, 'two people are no group')

  const role = async (who: Person, userId: string, to: string) =>
    await server.call(who, 'PATCH', `/v1/conversations/${id}/members/${userId}`, { role: to })
  t.ok((await role(ann, ben.id, 'admin')).status < 300)
  t.equal((await send({ text: '@all', mentionRanges: [range] }, ben)).status, 201, 'an admin may')
  t.ok((await role(ann, cleo.id, 'owner')).status < 300)
  t.ok((await role(cleo, ann.id, 'member')).status < 300)
  t.equal((await edit(placed, { text: '@all lunch!', mentionRanges: [range] })).status, 200, 'who is called already')
  const quiet = (await send({ text: 'quiet' })).body.id
  t.match(await edit(quiet, { text: 'loud', mentionsEveryone: true }), { status: 403 }, 'nobody anew')
  t.match(await read(quiet), { text: 'quiet', ...NOTHING })
})

t.test('ranges stay with their text alone; an edit that names some names all mentions anew', async t => {
  const server = await joinServer(t)
  const { ann, ben, cleo, send, edit, read } = await group(server)
  const range = { offset: 3, length: 4, userId: ben.id }
  const all = { offset: 0, length: 2, everyone: true }
  const begin = async () => {
    const body = { text: 'hi @ben', mentions: [cleo.id], mentionRanges: [all, range] }
    return (await send(body)).body.id as string
  }
  const cases: [string, object, object][] = [
    ['another text', { text: 'hello @ben' }, { mentions: [cleo.id, ben.id], mentionsEveryone: true }],
    [
      'other people',
      { text: 'hi @ben', mentions: [ben.id] },
      { mentions: [ben.id], mentionRanges: [all, range], mentionsEveryone: true }
    ],
    [
      'others, and not those of a range',
      { text: 'hi @ben', mentions: [cleo.id] },
      { mentions: [cleo.id], mentionRanges: [all], mentionsEveryone: true }
    ],
    [
      'not everyone',
      { text: 'hi @ben', mentionsEveryone: false },
      { mentions: [cleo.id, ben.id], mentionRanges: [range] }
    ],
    ['other ranges', { text: 'yo @ben', mentionRanges: [range] }, { mentions: [ben.id], mentionRanges: [range] }],
    ['no ranges', { text: 'hi @ben', mentionRanges: [] }, {}],
    ['encrypted', { encryptedContent: 'AAAA' }, { mentions: [cleo.id, ben.id], mentionsEveryone: true }]
  ]
  for (const [why, body, expected] of cases) {
    const id = await begin()
    t.equal((await edit(id, body)).status, 200, why)
    const message = await read(id)
    t.same(mentionsOf(message), { ...NOTHING, ...expected }, why)
    t.type(message.editedAt, 'string')
  }
  const id = await begin()
  await edit(id, { text: 'hi @ben' })
  t.equal((await read(id)).editedAt, undefined, 'the same text changes nothing')
  await server.call(ann, 'PATCH', `/messages/${id}`, { text: 'hello' })
  t.same(mentionsOf(await read(id)), { ...NOTHING, mentions: [cleo.id, ben.id], mentionsEveryone: true }, 'by an app')
})

t.test('a repeat with other ranges is another message', async t => {
  const server = await joinServer(t)
  const { ben, cleo, send } = await group(server)
  const range = { offset: 0, length: 4, userId: ben.id }
  const body = {
    clientId: 'once',
    text: '@ben @cleo',
    mentionRanges: [{ offset: 5, length: 5, userId: cleo.id }, range]
  }
  const first = await send(body)
  t.match(await send(body), { status: 200, body: { id: first.body.id, duplicate: true } })
  t.match(await send({ ...body, mentionRanges: [...body.mentionRanges].reverse() }), { status: 200 }, 'in any order')
  const others = [{ mentionRanges: [range] }, { mentionRanges: [{ ...range, length: 3 }] }, { mentionsEveryone: true }]
  for (const other of [...others, { mentionRanges: undefined }]) {
    t.match(await send({ ...body, ...other }), { status: 409, body: { error: { code: 'idempotency_mismatch' } } })
  }
})

t.test('what is forwarded calls nobody, and what is deleted neither', async t => {
  const server = await joinServer(t)
  const { ann, ben, id, path, send, read } = await group(server)
  const [range, all] = [
    { offset: 0, length: 4, userId: ben.id },
    { offset: 5, length: 4, everyone: true }
  ]
  const { body: sent } = await send({ text: '@ben @all', mentionRanges: [range, all] })
  const to = await server.group(ann, ben)
  const messages = [{ conversationId: id, messageId: sent.id, clientId: 'f' }]
  t.equal((await server.call(ben, 'POST', '/v1/messages/forward', { messages, to: [to] })).status, 200, 'by no admin')
  const [forwarded] = (await server.call(ann, 'GET', `/v1/conversations/${to}/messages`)).body.messages.slice(-1)
  t.match(forwarded, { text: '@ben @all', forwarded: {}, ...NOTHING })
  await server.call(ann, 'DELETE', `${path}/${sent.id}`)
  t.match(await read(sent.id), { deletedAt: String, ...NOTHING })
})

t.test('a scheduled message keeps its ranges, and who may mention everyone is asked again at its time', async t => {
  const server = await joinServer(t)
  const { ann, ben, cleo, id } = await group(server)
  const range = { offset: 0, length: 4, everyone: true }
  const plans = `/v1/conversations/${id}/scheduled-messages`
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()
  const refused = await server.call(ben, 'POST', plans, {
    clientId: 'b',
    sendAt: inMs(HOUR),
    text: '@all',
    mentionRanges: [range]
  })
  t.match(refused, { status: 403 })
  t.match(
    await server.call(ann, 'POST', plans, { clientId: 'l', sendAt: inMs(HOUR), text: '@al', mentionRanges: [range] }),
    { status: 400 }
  )
  const plan = { clientId: 'a', sendAt: inMs(2_500), text: '@all @ben' }
  const ranges = [range, { offset: 5, length: 4, userId: ben.hex }]
  const made = await server.call(ann, 'POST', plans, { ...plan, mentionRanges: ranges })
  t.match(made.body, { mentionRanges: [range, { offset: 5, length: 4, userId: ben.id }] })
  const late = await server.call(ann, 'POST', plans, { ...plan, clientId: 'b', mentionRanges: [ranges[1]] })
  t.equal(late.status, 201)
  const members = `/v1/conversations/${id}/members`
  await server.call(ann, 'PATCH', `${members}/${cleo.id}`, { role: 'owner' })
  await server.call(cleo, 'PATCH', `${members}/${ann.id}`, { role: 'member' })
  const stateOf = async ({ body }: typeof made) =>
    (await server.call(ann, 'GET', `/v1/scheduled-messages/${body.id}`)).body
  const end = Date.now() + 20_000
  while (!['sent', 'refused'].includes((await stateOf(made)).status) || (await stateOf(late)).status !== 'sent') {
    if (Date.now() > end) throw new Error('It was not sent')
    await pause(100)
  }
  t.match(await stateOf(made), { status: 'refused', refusal: { code: 'forbidden' } })
  const { messages } = (await server.call(ben, 'GET', `/v1/conversations/${id}/messages`)).body
  const [sent] = messages.filter((it: { text?: string }) => it.text === plan.text)
  t.same(mentionsOf(sent), {
    mentions: [ben.id],
    mentionRanges: [{ ...ranges[1], userId: ben.id }],
    mentionsEveryone: undefined
  })
})

t.test('a draft keeps the ranges of its text on all devices', async t => {
  const server = await joinServer(t)
  const { ann, ben, id } = await group(server)
  const [phone, laptop] = [await server.connect(ann), await server.connect(ann)]
  const draft = { text: 'hi @ben', mentionRanges: [{ offset: 3, length: 4, userId: ben.id }] }
  await phone.ask('draft:save', { conversationId: id, ...draft })
  t.match((await laptop.next('draft:updated')).data, { draft })
  t.match((await server.call(ann, 'GET', '/v1/drafts')).body, { drafts: [draft] })
  for (const body of [
    { ...draft, text: 'hi' },
    { encryptedContent: 'AAAA', mentionRanges: draft.mentionRanges }
  ]) {
    t.equal((await server.call(ann, 'PUT', `/v1/conversations/${id}/draft`, body)).status, 400)
  }
})
