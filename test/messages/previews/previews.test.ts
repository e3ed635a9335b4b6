import { setTimeout as pause } from 'node:timers/promises'
import { deflateSync } from 'node:zlib'
import { ObjectId } from 'mongodb'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import type { DatabaseClock } from '../../../src/database/index.ts'
import { DiskStore } from '../../../src/media/storage/disk.ts'
import { FileStore } from '../../../src/media/store.ts'
import { UnusedFiles } from '../../../src/media/unused.ts'
import { FileUses } from '../../../src/media/uses/store.ts'
import type { MessageDoc } from '../../../src/store/documents.ts'
import { openDatabase } from '../../kit/databases.ts'
import { openServices, type Person } from '../../kit/helper.ts'
import { fetched, startWithFiles, upload } from '../../media/upload.ts'
import { html, openSite, redirect } from './site.ts'

const ON = {
  LINK_PREVIEWS: 'on',
  LINK_PREVIEW_ALLOW: '127.0.0.1',
  TIMINGS_PREVIEW_MS: '50',
  TIMINGS_HEAD_POLL_MS: '200'
}
const DAY_MS = 86_400_000

const pictureOf = async (width: number, height: number) =>
  await sharp({ create: { width, height, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer()

const page = (title: string, rest = '') => `<head><title>${title}</title>${rest}</head><body>Body</body>`
const withPicture = (title: string, path: string) => page(title, `<meta property="og:image" content="${path}">`)

/** A server that makes previews, and two people who talk. */
async function scene(t: Test, env: Record<string, string> = {}) {
  const server = await startWithFiles(t, { env: { ...ON, ...env } })
  const client = await openDatabase(t, server.uri)
  const db = client.db()
  const files = new FileStore(client, db)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const [mine, socket] = await Promise.all([server.connect(ann), server.connect(ben)])
  let count = 0
  const send = async (text: string, rest: object = {}): Promise<string> => {
    count += 1
    const sent = await mine.ask('message:send', { conversationId: id, clientId: `c${count}`, text, ...rest })
    return sent.id
  }
  const messages = db.collection<MessageDoc>('messages')
  const stored = async (messageId: string) => await messages.findOne({ _id: new ObjectId(messageId.slice(-24)) })
  /** The message, once it was looked for its preview. */
  const settled = async (messageId: string): Promise<MessageDoc> => {
    for (let left = 200; left > 0; left -= 1) {
      const message = await stored(messageId)
      if (message !== null && message.previewDueAt === undefined) return message
      await pause(25)
    }
    throw new Error('It waits still')
  }
  const cleanAfter = async (days: number) => {
    const clock = { now: () => Date.now() + days * DAY_MS } as DatabaseClock
    const storage = new DiskStore(`${server.folder}/files`)
    await new UnusedFiles({
      store: { files, fileUses: new FileUses(db) },
      storage,
      clock,
      onError: error => t.fail(String(error))
    }).remove()
  }
  return { server, db, files, messages, ann, ben, id, mine, socket, send, stored, settled, cleanAfter }
}

/** Next change of a message that is heard. */
const changeOf = (id: string) => (it: { type: string; data: { id?: string } }) =>
  it.type === 'message:edited' && it.data.id === id

t.test('the first link of a message gets a preview, told to everybody as a change that is no edit', async t => {
  const picture = await pictureOf(2_000, 1_000)
  const site = await openSite(t, {
    '/page': withPicture('The title', '/one.jpg'),
    '/one.jpg': response => void response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture),
    '/two': page('Second')
  })
  const { server, socket, mine, send, ann, ben, id, files, settled } = await scene(t)
  const text = `See ${site.url}/page?q=1#part, and ${site.url}/two`
  const sent = await send(text)
  const { data, rev } = await socket.next(changeOf(sent))
  await mine.next(changeOf(sent))
  t.match(data, { text, rev, seq: 1, preview: { url: `${site.url}/page?q=1#part`, title: 'The title' } })
  t.notOk('editedAt' in data)
  t.match(data.preview.picture, { width: 1_280, height: 640, thumbhash: /^[\w+/=]+$/ })
  t.same((await server.call(ben, 'GET', `/v1/conversations/${id}/messages/${sent}/edits`)).body, [])
  t.same(
    site.asked.map(({ path }) => path),
    ['/page?q=1', '/one.jpg']
  )
  const read = (await server.call(ben, 'GET', `/v1/conversations/${id}/messages`)).body.messages[0]
  t.match(read, { rev, preview: { title: 'The title' } })
  for (const address of [read.preview.picture.url, data.preview.picture.url, data.preview.picture.thumbnailUrl]) {
    const { status, headers, bytes } = await fetched(address)
    t.same([status, headers.get('content-type'), (await sharp(bytes).metadata()).format], [200, 'image/webp', 'webp'])
  }
  const [stranger] = (await server.people(1)) as [Person]
  const bare = read.preview.picture.url.split('?')[0]
  t.equal((await fetched(bare, { authorization: `Bearer ${stranger.token}` })).status, 404)
  t.equal((await fetched(bare, { authorization: `Bearer ${ann.token}` })).status, 404, 'it is nobody’s by itself')
  t.equal(await files.usageOf(new ObjectId(ann.hex)), 0, 'and in nobody’s quota')
  const { items } = await (await server.connect(ben)).ask('sync:pull', { stream: id, since: 0 })
  t.match(JSON.stringify(items), /The title/)
  const { body: old } = await server.call(ben, 'GET', `/messages?conversationId=${id}`)
  t.match(JSON.stringify(old), /"isEdited":false/, 'and an app of a dialect sees no edit')
  const { results } = (await server.call(ben, 'GET', '/v1/search/messages?q=title')).body
  t.same(results, [], 'it is not what somebody said')
  const { id: answer } = await mine.ask('message:send', {
    conversationId: id,
    clientId: 'answer',
    text: 'Yes',
    replyTo: sent
  })
  const quote = (await socket.next((it: { data: { id?: string } }) => it.data.id === answer)).data.replyTo
  t.same(new Set(Object.keys(quote)), new Set(['messageId', 'senderId', 'text']))
  await settled(sent)
})

t.test('nothing is fetched unless the operator says so, nor for what is no text of a person', async t => {
  const site = await openSite(t, { '/': page('Title') })
  const off = await scene(t, { LINK_PREVIEWS: 'off' })
  const message = await off.stored(await off.send(`${site.url}/`))
  t.equal(message?.previewDueAt, undefined)
  const { send, mine, id, stored, server, ann, ben, settled } = await scene(t)
  const location = { latitude: 1, longitude: 1, name: `${site.url}/` }
  const others = [
    await send('no link at all'),
    await send(`${site.url}/`, { noPreview: true }),
    await send(`${site.url}/`, { type: 'location', location }),
    await mine
      .ask('message:send', { conversationId: id, clientId: 'e', encryptedContent: `${site.url}/` })
      .then(it => it.id)
  ]
  for (const other of others) t.equal((await stored(other))?.previewDueAt, undefined)
  await mine.ask('message:edit', { conversationId: id, messageId: others[1], text: `${site.url}/ again` })
  t.equal((await stored(others[1] ?? ''))?.previewDueAt, undefined, 'nor after an edit')
  const sendAt = new Date(Date.now() + 60_000).toISOString()
  const later = { clientId: 'later', text: `${site.url}/`, sendAt, noPreview: true }
  const scheduled = await server.call(ann, 'POST', `/v1/conversations/${id}/scheduled-messages`, later)
  t.match(scheduled, { status: 201, body: { noPreview: true } })
  const group = await server.group(ann, ben)
  const forward = { messages: [{ conversationId: id, messageId: others[1], clientId: 'f' }], to: [group] }
  const forwarded = (await mine.ask('message:forward', forward)).to[0].sent[0].id
  t.equal((await stored(forwarded))?.previewDueAt, undefined, 'nor forwarded')
  await server.call(ann, 'PATCH', `/v1/conversations/${group}`, { name: `${site.url}/` })
  await settled(await send('www.a.example http:// https://'))
  const { url } = (await upload(server, ann, await pictureOf(50, 50), { name: 'own.jpg' })).body
  t.equal((await settled(await send(url))).preview, undefined, 'a file of this server is not copied')
  t.equal(site.asked.length, 0)
})

t.test('an edit takes the preview of its link with it, and keeps that of a link that stays', async t => {
  const site = await openSite(t, { '/one': page('One'), '/two': page('Two') })
  const { send, mine, socket, id, settled, stored } = await scene(t)
  const sent = await send(`${site.url}/one`)
  await socket.next(changeOf(sent))
  const edit = async (content: object) =>
    await mine.ask('message:edit', { conversationId: id, messageId: sent, ...content })
  await edit({ text: `Look: ${site.url}/one` })
  t.match((await socket.next(changeOf(sent))).data, { preview: { title: 'One' }, editedAt: String })
  const { rev } = await settled(sent)
  await edit({ text: `${site.url}/two` })
  t.notOk('preview' in (await socket.next(changeOf(sent))).data, 'at once')
  const changed = (await socket.next(changeOf(sent))).data
  t.match(changed, { preview: { title: 'Two', url: `${site.url}/two` }, rev: rev + 2 })
  await edit({ text: `${site.url}/one ${site.url}/two` })
  t.match((await socket.next(changeOf(sent))).data, { preview: { title: 'Two' } })
  t.match((await socket.next(changeOf(sent))).data, { preview: { title: 'One' } }, 'the first one counts')
  await edit({ text: 'No link' })
  t.notOk('preview' in (await socket.next(changeOf(sent))).data)
  await edit({ text: `${site.url}/one` })
  await socket.next(changeOf(sent))
  await socket.next(changeOf(sent))
  await edit({ encryptedContent: 'abc' })
  t.notOk('preview' in (await socket.next(changeOf(sent))).data)
  t.equal((await stored(sent))?.previewDueAt, undefined)
  t.same(
    site.asked.map(({ path }) => path),
    ['/one', '/two'],
    'each was fetched once'
  )
})

t.test('what is deleted, over or edited while its page is fetched gets nothing', async t => {
  let release = (): void => undefined
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const site = await openSite(t, {
    '/slow': (response, request) => void held.then(() => html(page('Slow'))(response, request)),
    '/new': page('New')
  })
  const { send, mine, socket, id, stored, settled, messages } = await scene(t)
  const [gone, over, edited] = [
    await send(`${site.url}/slow?1`),
    await send(`${site.url}/slow?2`),
    await send(`${site.url}/slow?3`)
  ]
  for (let left = 100; left > 0 && site.asked.length < 3; left -= 1) await pause(20)
  await mine.ask('message:delete', { conversationId: id, messageId: gone, scope: 'everyone' })
  const expiresAt = new Date(Date.now() - 1)
  await messages.updateOne({ _id: new ObjectId(over.slice(-24)) }, { $set: { expiresAt } })
  await mine.ask('message:edit', { conversationId: id, messageId: edited, text: `${site.url}/new` })
  release()
  t.match((await settled(edited)).preview, { title: 'New' })
  for (const other of [gone, over]) {
    t.equal((await settled(other)).preview, undefined)
  }
  t.ok((await stored(gone))?.deletedAt)
  const heard = await socket.ask('sync:pull', { stream: id, since: 0 })
  t.notMatch(JSON.stringify(heard), /Slow/)
})

t.test('a picture goes with the last message that shows it', async t => {
  const picture = await pictureOf(400, 300)
  const site = await openSite(t, {
    '/page': withPicture('Title', '/one.jpg'),
    '/one.jpg': response => void response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture)
  })
  const { server, send, mine, socket, id, ann, settled, cleanAfter, files, db } = await scene(t)
  const first = await send(`${site.url}/page`)
  const second = await send(`Again ${site.url}/page`)
  const fileId = (await settled(first)).preview?.picture?.fileId
  t.ok(fileId?.equals((await settled(second)).preview?.picture?.fileId ?? ''), 'it is fetched and kept once')
  const group = await server.group(ann)
  const forward = { messages: [{ conversationId: id, messageId: first, clientId: 'f' }], to: [group] }
  const forwarded = (await mine.ask('message:forward', forward)).to[0].sent[0].id
  t.match((await settled(forwarded)).preview, { title: 'Title', picture: { fileId } })
  const { preview } = (await server.call(ann, 'GET', `/v1/conversations/${group}/messages/${forwarded}`)).body
  t.equal((await fetched(preview.picture.url)).status, 200)
  const kept = async () => await db.collection('files').countDocuments()
  const remove = async (conversationId: string, messageId: string) =>
    await mine.ask('message:delete', { conversationId, messageId, scope: 'everyone' })
  await cleanAfter(2)
  t.equal(await kept(), 1)
  await remove(id, first)
  await cleanAfter(3)
  await mine.ask('message:edit', { conversationId: id, messageId: second, text: 'Nothing' })
  await cleanAfter(4)
  t.equal(await kept(), 1, 'the forwarded one has it')
  t.equal((await fetched(preview.picture.url)).status, 200)
  await remove(group, forwarded)
  t.equal((await fetched(preview.picture.url)).status, 404, 'at once')
  await cleanAfter(5)
  t.equal(await kept(), 0)
  t.equal(await files.usageOf(new ObjectId('0'.repeat(24))), 0)
  const third = await send(`${site.url}/page`)
  t.match((await settled(third)).preview?.picture, { width: 400, height: 300 }, 'it is made anew')
  const { data } = await socket.next(changeOf(third))
  t.equal((await fetched(data.preview.picture.url)).status, 200)
})

t.test('a page is fetched once for all who post it; failures are remembered, too', async t => {
  const site = await openSite(t, { '/page': page('Title'), '/away': redirect('/none') })
  const { server, ann, settled, messages } = await scene(t)
  const groups = await Promise.all(Array.from({ length: 10 }, async () => await server.group(ann)))
  const send = async (group: string, clientId: string, text: string) =>
    (await server.call(ann, 'POST', `/v1/conversations/${group}/messages`, { clientId, text })).body.id
  const sent = await Promise.all(groups.map(async group => await send(group, 'a', `${site.url}/page#${group}`)))
  for (const it of sent) t.match((await settled(it)).preview, { title: 'Title' })
  for (const group of groups.slice(0, 3))
    t.equal((await settled(await send(group, 'b', `${site.url}/away`))).preview, undefined)
  t.same(
    site.asked.map(({ path }) => path),
    ['/page', '/away', '/none']
  )
  const waiting = await messages.find({ previewDueAt: { $exists: true } }).explain('queryPlanner')
  t.match(JSON.stringify(waiting['queryPlanner']), /previewDueAt_1/)
  const fileId = new ObjectId()
  for (const place of [{}, { conversationId: new ObjectId() }]) {
    const $or = ['attachments.fileId', 'preview.picture.fileId'].map(name => ({ [name]: fileId, ...place }))
    const uses = await messages
      .find({ $or, $nor: [{ expiresAt: { $lte: new Date() } }] })
      .sort({ seq: -1 })
      .explain()
    t.notMatch(JSON.stringify(uses['queryPlanner']), /COLLSCAN/, 'the uses of a file are found by two indexes')
  }
})

t.test('a person has so many pages fetched in a minute', async t => {
  const site = await openSite(t, { '/page': page('Title') })
  const { send, settled } = await scene(t, { LIMITS_PREVIEWS_PER_MINUTE: '2' })
  const previews: (MessageDoc['preview'] | undefined)[] = []
  for (let at = 0; at < 4; at += 1) previews.push((await settled(await send(`${site.url}/page?${at}`))).preview)
  t.same(
    previews.map(it => it !== undefined),
    [true, true, false, false]
  )
  t.match((await settled(await send(`${site.url}/page?0`))).preview, { title: 'Title' }, 'what is known costs nothing')
  t.equal(site.asked.length, 2)
})

/** A PNG that says that it is so large, and has nothing in it. */
function hollowPng(side: number): Buffer {
  const crc = (bytes: Buffer): number => {
    let value = ~0
    for (const byte of bytes) {
      value ^= byte
      for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
    }
    return ~value >>> 0
  }
  const chunk = (name: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(name), data])
    const [head, tail] = [Buffer.alloc(4), Buffer.alloc(4)]
    head.writeUInt32BE(data.length)
    tail.writeUInt32BE(crc(body))
    return Buffer.concat([head, body, tail])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  header.set([8, 2], 8)
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(2_000))),
    chunk('IEND', Buffer.alloc(0))
  ])
}

t.test('a picture that cannot be had leaves the preview without one', async t => {
  const pictures: Record<string, Buffer> = {
    huge: hollowPng(60_000),
    svg: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>'),
    html: Buffer.from('<!doctype html><script>alert(1)</script>'),
    long: Buffer.concat([await pictureOf(10, 10), Buffer.alloc(6_000_000)]),
    broken: (await pictureOf(500, 500)).subarray(0, 400),
    empty: Buffer.alloc(0)
  }
  const pages = Object.keys(pictures).map(name => [`/${name}`, withPicture(name, `/picture/${name}`)])
  const bytes = Object.entries(pictures).map(([name, it]) => [
    `/picture/${name}`,
    html(it, { 'content-type': 'image/png' })
  ])
  const elsewhere = [
    'http://127.0.0.2:1/x.png',
    'http://[::1]/x.png',
    'data:image/png;base64,AAAA',
    'file:///etc/passwd',
    'http://['
  ]
  const outside = elsewhere.map((address, at) => [`/outside${at}`, withPicture(`outside${at}`, address)])
  const site = await openSite(t, Object.fromEntries([...pages, ...bytes, ...outside]))
  const { send, settled, db } = await scene(t)
  for (const [path] of [...pages, ...outside]) {
    const { preview } = await settled(await send(`${site.url}${path}`))
    t.same([preview?.title, preview?.picture], [`${path}`.slice(1), undefined])
  }
  t.equal(await db.collection('files').countDocuments(), 0)
})

t.test('a link to a picture itself is shown as that picture; to anything else there is no preview', async t => {
  const site = await openSite(t, {
    '/x.jpg': html(await pictureOf(60, 30), { 'content-type': 'image/jpeg' }),
    '/x.pdf': html('<title>No</title>', { 'content-type': 'application/pdf' }),
    '/x': response => void response.writeHead(200).end('<title>No</title>'),
    '/untitled': html('<meta name=description content="Alone">'),
    '/large': html(`<head>${' '.repeat(600_000)}<title>Too late</title></head>`),
    '/gone': response => void response.writeHead(500, { 'content-type': 'text/html' }).end('<title>No</title>')
  })
  const { send, settled } = await scene(t)
  const { preview } = await settled(await send(`${site.url}/x.jpg`))
  t.match(preview, { url: `${site.url}/x.jpg`, picture: { width: 60, height: 30 } })
  t.notOk(preview?.title)
  for (const path of ['/x.pdf', '/x', '/untitled', '/large', '/gone']) {
    t.equal((await settled(await send(`${site.url}${path}`))).preview, undefined, path)
  }
})

t.test('what a server leaves that ends is done by the next one, and told once', async t => {
  let release = (): void => undefined
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const site = await openSite(t, {
    '/slow': (response, request) => void held.then(() => html(page('Slow'))(response, request))
  })
  const { server, send, stored, settled, ben, id, socket } = await scene(t, { TIMINGS_LEASE_MS: '1000' })
  const sent = await send(`${site.url}/slow`)
  for (let left = 100; left > 0 && site.asked.length === 0; left -= 1) await pause(20)
  socket.terminate()
  const closing = server.close()
  await closing
  t.ok((await stored(sent))?.previewDueAt, 'it ended in the middle, and the message waits')
  release()
  const next = await startWithFiles(t, { uri: server.uri, folder: server.folder, env: ON })
  t.match((await settled(sent)).preview, { title: 'Slow' })
  const { rev, createdRev } = await settled(sent)
  t.equal(rev, createdRev + 1)
  const { items } = await (await next.connect(ben)).ask('sync:pull', { stream: id, since: 0 })
  t.equal(items.filter((it: object) => JSON.stringify(it).includes('"preview"')).length, 1)
})

t.test('who posts many slow pages holds up nobody else', async t => {
  const slow = await openSite(t, { '/slow': () => undefined })
  const fast = await openSite(t, { '/page': page('Title') }, '127.0.0.3')
  const { server, send, settled, ben, id } = await scene(t, { LINK_PREVIEW_ALLOW: '127.0.0.0/8' })
  for (let at = 0; at < 30; at += 1) await send(`${slow.url}/slow?${at}`)
  while (slow.asked.length < 4) await pause(10)
  const body = { clientId: 'other', text: `${fast.url}/page` }
  const sent = (await server.call(ben, 'POST', `/v1/conversations/${id}/messages`, body)).body.id
  t.match((await settled(sent)).preview, { title: 'Title' })
  t.equal(slow.asked.length, 4, 'before the first of them was over')
})

t.test('two servers that look at the same message write its preview once', async t => {
  const site = await openSite(t, { '/page': page('Title') })
  const { server, send, settled, socket } = await scene(t, { TIMINGS_PREVIEW_MS: '3600000' })
  const sent = await send(`${site.url}/page`)
  const env = { ...ON, TIMINGS_PREVIEW_MS: '3600000' }
  const services = await Promise.all([1, 2].map(async () => await openServices(t, { uri: server.uri, env })))
  const runs = services.flatMap(({ previewing }) =>
    previewing.map(async job => await job.run(new AbortController().signal))
  )
  t.equal(runs.length, 2)
  await Promise.all(runs)
  const { rev, createdRev, preview } = await settled(sent)
  t.match(preview, { title: 'Title' })
  t.equal(rev, createdRev + 1)
  t.equal(site.asked.length, 2)
  await socket.next(changeOf(sent))
})
