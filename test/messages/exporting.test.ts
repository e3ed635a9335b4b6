import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ObjectId } from 'mongodb'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import type { Export } from '../../protocol/messages/exports/entities.ts'
import type { DatabaseClock } from '../../src/database/index.ts'
import { DiskStore } from '../../src/media/storage/disk.ts'
import { FileStore } from '../../src/media/store.ts'
import { UnusedFiles } from '../../src/media/unused.ts'
import { FileUses } from '../../src/media/uses/store.ts'
import { openDatabase } from '../kit/databases.ts'
import type { Person, TestServer } from '../kit/helper.ts'
import { storeMessages } from '../kit/stored.ts'
import { fetched, startWithFiles, upload } from '../media/upload.ts'
import { linesOf, messagesOf, unzip } from './unzip.ts'

type People = [Person, Person, Person]
type Message = Record<string, unknown> & { readonly seq: number; readonly attachments?: readonly { url: string }[] }

const HOUR_MS = 3_600_000
const COLOR = { width: 60, height: 40, channels: 3, background: 'red' } as const

const begin = async (server: TestServer, who: Person, id: string) =>
  await server.call(who, 'POST', `/v1/conversations/${id}/exports`)

/** The end of an export. */
async function ended(server: TestServer, who: Person, id: string): Promise<Export> {
  for (const end = Date.now() + 60_000; Date.now() < end; await pause(50)) {
    const { body } = await server.call(who, 'GET', `/v1/exports/${id}`)
    if (!['waiting', 'running'].includes(body.status)) return body
  }
  throw new Error('It does not end')
}

/** Files of the archive that somebody gets of a conversation. */
async function exported(server: TestServer, who: Person, id: string): Promise<Map<string, Buffer>> {
  const { url = '', ...made } = await ended(server, who, (await begin(server, who, id)).body.id)
  if (made.status !== 'done') throw new Error(JSON.stringify(made))
  return await unzip((await fetched(url)).bytes)
}

/** A message of history as an archive has it, without the addresses of files that are kept here. */
function archived({ attachments, ...message }: Message, server: TestServer): object {
  if (attachments === undefined) return message
  const without = attachments.map(({ url, ...rest }) => {
    const { previewUrl: _, thumbnailUrl: __, ...about } = rest as Record<string, unknown>
    return url.startsWith(server.url) ? about : { url, ...rest }
  })
  return { ...message, attachments: without }
}

/** All that history shows somebody, oldest first. */
async function historyOf(server: TestServer, who: Person, id: string): Promise<Message[]> {
  const found: Message[] = []
  for (let more = true, after = 0; more; after = found.at(-1)?.seq ?? after) {
    const { body } = await server.call(who, 'GET', `/v1/conversations/${id}/messages?after=${after}&limit=100`)
    found.push(...body.messages)
    more = body.more
  }
  return found
}

/** Removes what nobody uses, as it is so many hours later. */
async function cleanUp(t: Test, { uri, folder }: TestServer & { folder: string }, hours = 0) {
  const client = await openDatabase(t, uri)
  const files = new FileStore(client, client.db())
  const clock = { now: () => Date.now() + hours * HOUR_MS } as DatabaseClock
  const storage = new DiskStore(join(folder, 'files'))
  await new UnusedFiles({
    store: { files, fileUses: new FileUses(client.db()) },
    storage,
    clock,
    onError: error => t.fail(String(error))
  }).remove()
}

const namesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])).filter(it => it.isFile()).length

t.test('an archive has what its person sees, as history shows it, with the files', async t => {
  // What is over stays as it is stored, and is shown as deleted all the same.
  const server = await startWithFiles(t, { env: { TIMINGS_EXPIRY_MS: '3600000' } })
  const [ann, ben, cleo] = (await server.people(3)) as People
  const id = await server.group(ann, ben)
  const path = `/v1/conversations/${id}`
  let count = 0
  const send = async (who: Person, body: object) =>
    (await server.call(who, 'POST', `${path}/messages`, { clientId: `c${count++}`, ...body })).body.id as string
  const early = await send(ann, { text: 'before cleo came' })
  await server.call(ann, 'POST', `${path}/members`, { userIds: [cleo.id] })
  const names = ['../../etc/passwd', 'CON', 'a"b<c>|d?*.txt', `${'ü'.repeat(240)}.pdf`, 'con\u202etxt.exe', '..']
  const files: string[] = []
  for (const [index, name] of names.entries()) {
    files.push((await upload(server, ann, `bytes ${index}`, { name })).body.url)
  }
  const attachment = (url: string) => ({ type: 'file', url })
  await send(ann, { type: 'file', attachments: files.map(attachment), text: 'all of them' })
  await send(ann, { type: 'file', attachments: [attachment(files[0] ?? '')] })
  await send(ben, { type: 'file', attachments: [attachment('https://files.example/elsewhere.pdf')] })
  const deleted = await send(ben, { text: 'SECRET deleted' })
  await server.call(ben, 'DELETE', `${path}/messages/${deleted}`)
  const hidden = await send(ben, { text: 'SECRET hidden' })
  await server.call(cleo, 'DELETE', `${path}/messages/${hidden}?scope=me`)
  const edited = await send(ben, { text: 'SECRET edited' })
  await server.call(ben, 'PATCH', `${path}/messages/${edited}`, { text: 'mended' })
  await send(ben, { text: 'an answer', replyTo: early, mentionRanges: [{ offset: 0, length: 2, userId: cleo.id }] })
  await server.call(ben, 'POST', `${path}/messages/${edited}/reactions`, { emoji: '👍' })
  await send(ann, { encryptedContent: 'AAAA' })
  const over = await send(ann, { text: 'SECRET over' })
  const client = await openDatabase(t, server.uri)
  await client
    .db()
    .collection('messages')
    .updateOne({ _id: new ObjectId(over.slice(-24)) }, { $set: { expiresAt: new Date(Date.now() - 1_000) } })
  await server.call(ann, 'POST', '/v1/blocks', { userId: cleo.id })

  const archive = await exported(server, cleo, id)
  const lines = linesOf(archive)
  t.same(lines.map(({ type }) => type).slice(0, 4), ['conversation', 'member', 'member', 'member'])
  t.match(lines[0]?.conversation, { id, type: 'group', name: 'Group' })
  const members = new Map(lines.flatMap(({ member, displayName }) => (member ? [[member.userId, displayName]] : [])))
  t.same(new Set(members.keys()), new Set([ann.id, ben.id, cleo.id]))
  t.type(members.get(ben.id), 'string')
  const history = await historyOf(server, cleo, id)
  const messages = messagesOf(archive)
  t.same(
    messages.map(({ attachments, ...rest }) => ({
      ...rest,
      ...(attachments && { attachments: attachments.map(({ file: _, ...about }) => about) })
    })),
    history.map(message => archived(message, server)),
    'as history shows it'
  )
  t.ok(messages.length > 8)
  t.notMatch(archive.get('conversation.jsonl')?.toString(), /SECRET|before cleo|\/v1\/files\//)
  const named = messages.flatMap(({ attachments = [] }) => attachments.flatMap(({ file }) => file ?? []))
  t.equal(named.length, names.length + 1)
  t.equal(new Set(named).size, names.length, 'a file is there once')
  t.same(new Set([...archive.keys()].filter(it => it !== 'conversation.jsonl')), new Set(named))
  for (const [index, name] of named.slice(0, names.length).entries()) {
    t.equal(archive.get(name)?.toString(), `bytes ${index}`)
    t.match(name, /^files\/[0-9a-f]{24}-[\p{L}\p{M}\p{N}._ -]+$/u)
    t.ok(Buffer.byteLength(name) < 220 && !name.includes('..'), name)
  }
  const anns = messagesOf(await exported(server, ann, id)).map(({ text }) => text)
  t.ok(anns.includes('before cleo came') && anns.includes('SECRET hidden'), 'others see other things')
  await server.call(ann, 'DELETE', `${path}/messages`)
  t.same(messagesOf(await exported(server, ann, id)), [], 'what is cleared is not there')
})

t.test('an export is one while it is under way, tells how far it is, and is told to its person alone', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const client = await openDatabase(t, server.uri)
  await storeMessages(client, { conversationId: id, from: ben, count: 3_000 })
  const [phone, laptop] = [await server.connect(ann), await server.connect(ann)]
  const bens = await server.connect(ben)
  const first = await begin(server, ann, id)
  t.match(first, { status: 201, body: { id: /^exp_/, conversationId: id, status: 'waiting', writtenCount: 0 } })
  t.same(Object.keys(first.body).includes('url'), false)
  const again = await Promise.all([begin(server, ann, id), begin(server, ann, id)])
  for (const { status, body } of again) t.same([status, body.id], [200, first.body.id], 'a repeat begins no other')
  t.match((await phone.next('export:updated')).data, { id: first.body.id, status: 'waiting' })
  const done = await ended(server, ann, first.body.id)
  t.match(done, { status: 'done', writtenCount: 3_000, messageCount: 3_000, url: String, fileSize: Number })
  t.match(done.fileName, /^conversation \d{4}-\d\d-\d\d\.zip$/)
  for (const socket of [phone, laptop]) {
    const told = await socket.next(it => it.type === 'export:updated' && it.data.status === 'done')
    t.same(told.data, done)
  }
  t.same((await server.call(ann, 'GET', '/v1/exports')).body, { exports: [done] })
  const { items } = await laptop.ask('sync:pull', { stream: ann.id, since: 0 })
  t.match(
    items.filter(({ type }: { type: string }) => type === 'export'),
    [{ export: done }]
  )
  const { bytes, headers } = await fetched(done.url ?? '')
  t.equal(bytes.length, done.fileSize)
  t.match(headers.get('content-disposition'), /^attachment; filename="conversation /)
  t.same(
    messagesOf(await unzip(bytes)).map(({ seq }) => seq),
    Array.from({ length: 3_000 }, (_, index) => index + 1)
  )
  const part = await fetched(done.url ?? '', { range: 'bytes=0-3' })
  t.same([part.status, part.bytes.toString('latin1', 0, 2)], [206, 'PK'])

  t.same((await server.call(ben, 'GET', '/v1/exports')).body, { exports: [] })
  for (const method of ['GET', 'DELETE']) {
    t.equal((await server.call(ben, method, `/v1/exports/${first.body.id}`)).status, 404, `${method} by the other one`)
  }
  await bens.ask('ping', {})
  t.notMatch(JSON.stringify((await bens.ask('sync:pull', { stream: ben.id, since: 0 })).items), /export/)
  const address = new URL(done.url ?? '')
  t.equal((await server.call(ben, 'GET', address.pathname)).status, 404, 'the archive neither')
  address.searchParams.set('u', ben.hex)
  t.equal((await fetched(address.href)).status, 404)

  const cancelled = await server.call(ann, 'DELETE', `/v1/exports/${first.body.id}`)
  t.match(cancelled, { status: 200, body: { status: 'cancelled' } })
  t.notOk('url' in cancelled.body)
  t.equal((await fetched(done.url ?? '')).status, 404, 'gone at once')
  t.same((await server.call(ann, 'DELETE', `/v1/exports/${first.body.id}`)).body, cancelled.body, 'a repeat')
  await cleanUp(t, server)
  const files = new FileStore(client, client.db())
  t.same([await namesIn(join(server.folder, 'files')), await files.usageOf(new ObjectId(ann.hex))], [0, 0])
  t.equal((await begin(server, ann, id)).status, 201, 'and another one may begin')
})

t.test('who is no member has no export, and who is removed has none any more, also of one under way', async t => {
  const server = await startWithFiles(t)
  const [ann, ben, eve] = (await server.people(3)) as People
  const id = await server.group(ann, ben)
  t.match(await begin(server, eve, id), { status: 404, body: { error: { code: 'not_found' } } })
  t.equal((await begin(server, ann, `conv_${'f'.repeat(24)}`)).status, 404)
  t.equal((await begin(server, ann, 'nonsense')).status, 400)
  t.equal((await server.call(ann, 'GET', `/v1/exports/exp_${'f'.repeat(24)}`)).status, 404)
  t.equal((await server.call(undefined, 'POST', `/v1/conversations/${id}/exports`)).status, 401)
  const { url = '' } = await ended(server, ben, (await begin(server, ben, id)).body.id)
  t.equal((await fetched(url)).status, 200)
  const client = await openDatabase(t, server.uri)
  await storeMessages(client, { conversationId: id, from: ann, count: 10_000 })
  const { body } = await begin(server, ben, id)
  const running = { _id: new ObjectId(body.id.slice(-24)), status: 'running', writtenCount: { $gt: 0 } }
  while ((await client.db().collection('exports').findOne(running)) === null) await pause(1)
  await server.call(ann, 'DELETE', `/v1/conversations/${id}/members/${ben.id}`)
  t.equal((await fetched(url)).status, 404, 'asked at each request')
  t.equal((await server.call(ben, 'GET', new URL(url).pathname)).status, 404)
  t.match(await ended(server, ben, body.id), { status: 'failed', refusal: { code: 'not_found' } })
  t.match((await server.call(ben, 'DELETE', `/v1/exports/${body.id}`)).body, { status: 'failed' }, 'it stays so')
})

t.test('exports are few in a day, and bounded in bytes and by the room for files', async t => {
  const server = await startWithFiles(t, { env: { LIMITS_EXPORTS_PER_DAY: '2', LIMITS_EXPORT_MEBIBYTES: '1' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const client = await openDatabase(t, server.uri)
  await storeMessages(client, {
    conversationId: id,
    from: ben,
    count: 30,
    content: { type: 'text', text: 'x'.repeat(40_000) }
  })
  const { body: large } = await begin(server, ann, id)
  t.match(await ended(server, ann, large.id), { status: 'failed', refusal: { code: 'too_large' }, expiresAt: String })
  const { body: next } = await begin(server, ann, id)
  t.equal((await server.call(ann, 'DELETE', `/v1/exports/${next.id}`)).status, 200)
  const refused = await begin(server, ann, id)
  t.match(refused, { status: 429, body: { error: { code: 'rate_limited', retryAfterMs: Number } } })
  t.ok(refused.body.error.retryAfterMs > 23 * HOUR_MS)
  t.equal((await begin(server, ben, id)).status, 201, 'of each person')
})

t.test('an export that is taken back while it is made, or is too large for its files, leaves nothing', async t => {
  const server = await startWithFiles(t, { env: { LIMITS_EXPORT_MEBIBYTES: '1' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const [id, other] = [await server.direct(ann, ben), await server.group(ann)]
  const client = await openDatabase(t, server.uri)
  await storeMessages(client, { conversationId: id, from: ben, count: 3_000, content: { type: 'text', text: 'x' } })
  const { body } = await begin(server, ann, id)
  const running = { _id: new ObjectId(body.id.slice(-24)), status: 'running', writtenCount: { $gt: 0 } }
  while ((await client.db().collection('exports').findOne(running)) === null) await pause(1)
  t.match((await server.call(ann, 'DELETE', `/v1/exports/${body.id}`)).body, { status: 'cancelled' })
  const { url } = (await upload(server, ann, Buffer.alloc(2 ** 20 + 1, 'x').toString())).body
  const message = { clientId: 'f', type: 'file', attachments: [{ type: 'file', url }] }
  await server.call(ann, 'POST', `/v1/conversations/${other}/messages`, message)
  const { body: next } = await begin(server, ann, other)
  t.match(await ended(server, ann, next.id), { status: 'failed', refusal: { code: 'too_large' } })
  const work = client.db().collection('work')
  while ((await work.countDocuments({ kind: 'export' })) > 0) await pause(20)
  t.equal((await server.call(ann, 'GET', `/v1/exports/${body.id}`)).body.status, 'cancelled')
  await cleanUp(t, server)
  t.same([await namesIn(join(server.folder, 'files')), await namesIn(join(server.folder, 'uploads'))], [1, 0])
  t.equal(await client.db().collection('files').countDocuments(), 1)
})

t.test('an archive that has no room among its person’s files is refused, and leaves nothing', async t => {
  const server = await startWithFiles(t, { env: { LIMITS_FILES_PER_USER_MEBIBYTES: '1' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const client = await openDatabase(t, server.uri)
  const usage = { _id: new ObjectId(ann.hex), bytes: 2 ** 20 - 10 }
  await client.db().collection<{ _id: ObjectId; bytes: number }>('fileUsage').insertOne(usage)
  const { body } = await begin(server, ann, id)
  t.match(await ended(server, ann, body.id), { status: 'failed', refusal: { code: 'quota_reached' } })
  t.same([await namesIn(join(server.folder, 'files')), await namesIn(join(server.folder, 'uploads'))], [0, 0])
  t.equal(await client.db().collection('files').countDocuments(), 0)
})

t.test('an archive has no address that opens a file for whoever has it', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.group(ann, ben)
  const bytes = new Uint8Array(await sharp({ create: COLOR }).png().toBuffer())
  const { url, id: fileId } = (await upload(server, ann, bytes)).body
  await server.call(ann, 'PATCH', `/v1/conversations/${id}`, { avatarUrl: url })
  await server.call(ann, 'POST', `/v1/conversations/${id}/messages`, { clientId: 'a', text: 'https://a.example' })
  const picture = { fileId: new ObjectId(fileId.slice(-24)), width: 60, height: 40, thumbhash: 'AAAA' }
  const preview = { url: 'https://a.example', title: 'A page', picture }
  const client = await openDatabase(t, server.uri)
  await client.db().collection('messages').updateOne({ clientId: 'a' }, { $set: { preview } })
  t.match((await historyOf(server, ben, id)).at(-1), { preview: { picture: { url: /^http/ } } })
  const archive = await exported(server, ben, id)
  t.match(messagesOf(archive).at(-1), { preview: { url: 'https://a.example', title: 'A page' } })
  t.notMatch([...archive.values()].map(String).join(''), /v1\/files/)
})

t.test('an archive goes after a day, with its room', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  await server.call(ann, 'POST', `/v1/conversations/${id}/messages`, { clientId: 'a', text: 'Hi' })
  const made = await ended(server, ann, (await begin(server, ann, id)).body.id)
  t.ok(Math.abs(Date.parse(made.expiresAt ?? '') - Date.now() - 24 * HOUR_MS) < 60_000)
  await cleanUp(t, server, 23)
  t.equal((await fetched(made.url ?? '')).status, 200)
  await cleanUp(t, server, 25)
  t.equal((await fetched(made.url ?? '')).status, 404)
  const client = await openDatabase(t, server.uri)
  t.equal(await new FileStore(client, client.db()).usageOf(new ObjectId(ann.hex)), 0)
  const [index] = (await client.db().collection('exports').indexes()).filter(it => 'expireAfterSeconds' in it)
  t.match(index, { key: { expiresAt: 1 }, expireAfterSeconds: 0 }, 'and the database forgets it')
})

t.test('of two servers one makes the archive, and both know of it', async t => {
  const one = await startWithFiles(t)
  const [ann, ben] = (await one.people(2)) as [Person, Person]
  const id = await one.direct(ann, ben)
  const client = await openDatabase(t, one.uri)
  await storeMessages(client, { conversationId: id, from: ben, count: 500 })
  const other = await startWithFiles(t, { uri: one.uri, folder: one.folder, env: { TIMINGS_HEAD_POLL_MS: '100' } })
  const socket = await other.connect(ann)
  const [a, b] = await Promise.all([begin(one, ann, id), begin(other, ann, id)])
  t.equal(a.body.id, b.body.id)
  t.same([a.status, b.status].sort(), [200, 201])
  const done = await ended(other, ann, a.body.id)
  t.match((await socket.next(it => it.type === 'export:updated' && it.data.status === 'done')).data, { id: done.id })
  const { pathname, search } = new URL(done.url ?? '')
  const [here, there] = [
    await fetched(`${one.url}${pathname}${search}`),
    await fetched(`${other.url}${pathname}${search}`)
  ]
  t.ok(here.bytes.equals(there.bytes) && here.bytes.length === done.fileSize)
  t.equal(await client.db().collection('files').countDocuments(), 1)
})
