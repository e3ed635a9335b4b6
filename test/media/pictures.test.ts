import { readFile } from 'node:fs/promises'
import { ObjectId } from 'mongodb'
import sharp from 'sharp'
import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import type { Person, TestServer } from '../kit/helper.ts'
import { scene } from './scene.ts'
import { fetched, startWithFiles, upload } from './upload.ts'

const picture = async (background: string) =>
  new Uint8Array(
    await sharp({ create: { width: 60, height: 40, channels: 3, background } })
      .png()
      .toBuffer()
  )

const ME = '/v1/users/me'

/** Sets a picture of one's own. @returns the address that its owner is shown */
async function setPicture(server: TestServer, who: Person, color = 'red'): Promise<string> {
  const { url } = (await upload(server, who, await picture(color))).body
  const { status, body } = await server.call(who, 'PATCH', ME, { avatarUrl: url })
  if (status !== 200) throw new Error(`No picture was set: ${JSON.stringify(body)}`)
  return body.avatarUrl
}

const shownTo = async (server: TestServer, viewer: Person, { id }: Person) =>
  (await server.call(viewer, 'GET', `/v1/users/${id}`)).body.avatarUrl

const statusOf = async (address: string) => (await fetched(address)).status

/** Addresses of pictures in an answer. */
const picturesIn = (text: string) =>
  [...text.matchAll(/"(http[^"]*\/preview\?[^"]*)"/g)].map(([, address = '']) => address)

t.test('0.16 an uploaded picture of a person opens without a header, for who sees them, in every app', async t => {
  const server = await startWithFiles(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const direct = await server.direct(ann, ben)
  const message = { clientId: 'a', text: 'Hi' }
  await server.call(ann, 'POST', `/v1/conversations/${direct}/messages`, message)
  const request = await server.call(ann, 'POST', '/v1/requests', { to: ben.id, kind: 'friend' })
  await server.call(ben, 'POST', `/v1/requests/${request.body.id}/accept`)
  t.equal(await statusOf(await setPicture(server, ann)), 200, 'her own')
  const seen = await shownTo(server, ben, ann)
  t.match(seen, new RegExp(`/v1/files/file_[0-9a-f]{24}/preview\\?u=${ben.hex}&p=${ann.hex}&e=`))
  t.equal(await shownTo(server, ben, ann), seen, 'it stays the same')
  const { status, bytes, headers } = await fetched(seen)
  t.same([status, headers.get('content-type')], [200, 'image/webp'])
  t.match(await sharp(bytes).metadata(), { width: 60, height: 40 })
  t.equal(await statusOf(seen.replace(ben.hex, cleo.hex)), 404, 'by another person')
  t.equal(await statusOf(seen.replace(`p=${ann.hex}`, `p=${cleo.hex}`)), 404, 'of another person')
  for (const [app, path] of [
    ['mobile', `/mobile/users/${ann.hex}`],
    ['mobile', '/mobile/conversations'],
    ['unified', `/unified/users/profile/${ann.hex}`],
    ['unified', '/unified/conversations'],
    ['chatapp', `/chatapp/api/users/${ann.id}`],
    ['chatapp', `/chatapp/api/conversations/${direct}`],
    ['reals2chat', '/reals2chat/api/friends'],
    ['taatom', '/taatom/api/v1/chat']
  ] as const) {
    const { text } = await server.call(ben, 'GET', path)
    const [address = ''] = picturesIn(text)
    t.equal(address === '' ? text : await statusOf(address), 200, `${app} ${path}`)
  }
})

t.test('0.16 the apps set an uploaded picture in their words, and what is elsewhere stays as it is', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  for (const [method, path, field] of [
    ['PUT', '/mobile/users/me', 'avatar'],
    ['PATCH', '/unified/users/me', 'avatarUrl'],
    ['PUT', `/chatapp/api/users/${ann.id}`, 'avatar'],
    ['PATCH', ME, 'avatarUrl']
  ] as const) {
    const { url } = (await upload(server, ann, await picture('blue'))).body
    const { status, text } = await server.call(ann, method, path, { [field]: url })
    t.equal(status, 200, `${path} ${text}`)
    const fileId = /file_[0-9a-f]{24}/.exec(url)?.[0] ?? 'none'
    t.match(await shownTo(server, ben, ann), new RegExp(fileId), path)
    t.equal(await statusOf(await shownTo(server, ben, ann)), 200, path)
  }
  const elsewhere = 'https://pictures.example/v1/files/file_0123456789abcdef01234567/preview'
  await server.call(ann, 'PATCH', ME, { avatarUrl: elsewhere })
  t.equal(await shownTo(server, ben, ann), elsewhere)
})

t.test(
  'a picture is gone at once for who is blocked or may not see it any more, and in live addresses too',
  async t => {
    const server = await startWithFiles(t)
    const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
    await server.group(ann, ben, cleo)
    const socket = await server.connect(ben)
    const own = await setPicture(server, ann)
    const live = (await socket.next('profile:updated')).data.avatarUrl
    t.match(live, new RegExp(`preview\\?p=${ann.hex}&e=`), 'one address for all who are told')
    const [bens, cleos] = [await shownTo(server, ben, ann), await shownTo(server, cleo, ann)]
    t.same(await Promise.all([live, bens, cleos, own].map(statusOf)), [200, 200, 200, 200])
    await server.call(ann, 'POST', '/v1/blocks', { userId: ben.id })
    t.same(await Promise.all([bens, cleos, own].map(statusOf)), [404, 200, 200])
    const path = new URL(live)
    const ask = async ({ token }: Person) =>
      (await fetched(server.url + path.pathname + path.search, { authorization: `Bearer ${token}` })).status
    t.same([await ask(ben), await ask(cleo)], [404, 200], 'a token counts before the address')
    await server.call(ann, 'PATCH', '/v1/users/me/settings', { privacy: { profilePhoto: 'contacts' } })
    t.same(await Promise.all([cleos, own].map(statusOf)), [404, 200])
    await server.call(ann, 'PATCH', '/v1/users/me/settings', { privacy: { profilePhoto: 'nobody' } })
    t.same(await Promise.all([live, cleos, own].map(statusOf)), [404, 404, 200])
  }
)

t.test('only a picture of one’s own becomes one', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const group = await server.group(ann, ben)
  const bens = (await upload(server, ben, await picture('green'))).body.url
  const row = async () =>
    await (await openDatabase(t, server.uri))
      .db()
      .collection('files')
      .findOne({ _id: new ObjectId(bens.match(/file_(.{24})/)?.[1]) })
  const before = await row()
  await setPicture(server, ben)
  const film = new Uint8Array(await readFile(new URL('../../../test/media/fixtures/film.mp4', import.meta.url)))
  const missing = (await upload(server, ann, await picture('green'))).body.url.replace(
    /file_.{24}/,
    `file_${'a'.repeat(24)}`
  )
  const refused: [string, string, number, string][] = [
    ['somebody else’s file', bens, 404, 'not_found'],
    ['somebody else’s picture', await shownTo(server, ann, ben), 404, 'not_found'],
    ['one that is not there', missing, 404, 'not_found'],
    ['a film', (await upload(server, ann, film)).body.url, 400, 'invalid'],
    ['a text', (await upload(server, ann, 'Words')).body.url, 400, 'invalid'],
    ['a file as it is stored', `file:${bens.match(/file_(.{24})/)?.[1]}`, 400, 'invalid']
  ]
  for (const [what, avatarUrl, status, code] of refused) {
    for (const [method, path, body] of [
      ['PATCH', ME, { avatarUrl }],
      ['PATCH', `/v1/conversations/${group}`, { avatarUrl }],
      ['POST', '/v1/conversations', { type: 'group', name: 'New', avatarUrl }]
    ] as const)
      t.match(await server.call(ann, method, path, body), { status, body: { error: { code } } }, `${what}: ${path}`)
  }
  t.equal(await shownTo(server, ben, ann), undefined)
  t.same(await row(), before, 'and who may not have a file does not keep it from being removed')
})

t.test('a file stays as long as it is somebody’s picture, and then goes and gives its room back', async t => {
  const { server, db, cleanAfter, kept, usage } = await scene(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const first = await setPicture(server, ann, 'red')
  const bytes = await usage(ann)
  await cleanAfter(49)
  t.same([await kept(), await usage(ann), await statusOf(first)], [3, bytes, 200])
  const before = await shownTo(server, ben, ann)
  await server.call(ann, 'PATCH', ME, { displayName: 'Ann', avatarUrl: before })
  await cleanAfter(50)
  t.same([await kept(), await usage(ann)], [3, bytes], 'set again, as others are shown it')
  await setPicture(server, ann, 'blue')
  t.equal(await statusOf(before), 404, 'the one before is seen by nobody')
  await cleanAfter(51)
  t.equal(await kept(), 3)
  t.equal(await db.collection('files').countDocuments(), 1)
  await server.call(ann, 'PATCH', ME, { avatarUrl: '' })
  await cleanAfter(52)
  t.same([await kept(), await usage(ann)], [0, 0])
})

t.test('a server that dies between holding a file and setting it leaves nothing that stays', async t => {
  const { server, db, cleanAfter, kept, usage } = await scene(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  await server.call(ben, 'PATCH', ME, { username: 'taken' })
  const { url, id } = (await upload(server, ann, await picture('red'))).body
  const refused = await server.call(ann, 'PATCH', ME, { username: 'taken', avatarUrl: url })
  t.equal(refused.status, 409)
  await cleanAfter(26)
  t.same([await kept(), await usage(ann)], [0, 0], 'held, and never set')
  const other = (await upload(server, ann, await picture('red'))).body
  t.not(other.id, id)
  const _id = new ObjectId(other.id.slice(-24))
  await server.call(ann, 'PATCH', ME, { avatarUrl: other.url })
  await db.collection('files').updateOne({ _id }, { $set: { state: 'stored', checkAt: new Date(0) } })
  await cleanAfter(0)
  t.equal(await statusOf(await shownTo(server, ben, ann)), 200, 'a look at what is used lets it be')
})

t.test('2.7 a group’s picture opens for its members, and for nobody once they have left or it has ended', async t => {
  const { server, db, cleanAfter, kept, usage } = await scene(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const file = (await upload(server, ann, await picture('red'))).body
  const made = { type: 'group', name: 'Walks', memberIds: [ben.id, cleo.id], avatarUrl: file.url }
  const { id } = (await server.call(ann, 'POST', '/v1/conversations', made)).body
  const path = `/v1/conversations/${id}`
  const seenBy = async (who: Person) => (await server.call(who, 'GET', path)).body.avatarUrl
  const bens = await seenBy(ben)
  t.match(bens, new RegExp(`preview\\?u=${ben.hex}&c=${id.slice(-24)}&e=`))
  t.same(await Promise.all([bens, await seenBy(ann)].map(statusOf)), [200, 200])
  for (const [app, list] of [
    ['mobile', '/mobile/conversations'],
    ['unified', '/unified/conversations'],
    ['chatapp', `/chatapp/api/conversations/${id}`]
  ] as const)
    t.equal(await statusOf(picturesIn((await server.call(ben, 'GET', list)).text)[0] ?? ''), 200, app)
  const socket = await server.connect(cleo)
  await server.call(ann, 'PATCH', `${path}/members/${ben.id}`, { role: 'admin' })
  const again = await server.call(ben, 'PATCH', path, { name: 'Long walks', avatarUrl: bens })
  t.equal(again.status, 200, 'another admin sends the picture back that they were shown')
  const live = (await socket.next('conversation:updated')).data.avatarUrl
  t.match(live, new RegExp(`preview\\?c=${id.slice(-24)}&e=`))
  t.equal(await statusOf(live), 200)
  await cleanAfter(49)
  t.equal(await statusOf(bens), 200, 'it is used')
  await server.call(ben, 'POST', `${path}/leave`)
  t.equal(await statusOf(bens), 404, 'who has left')
  const second = (await upload(server, ann, await picture('blue'))).body
  await server.call(ann, 'PATCH', path, { avatarUrl: second.url })
  t.equal(await statusOf(live), 404, 'it was changed')
  const last = await seenBy(cleo)
  await cleanAfter(50)
  t.equal(await db.collection('files').countDocuments(), 1)
  t.equal((await server.call(ann, 'DELETE', `${path}?scope=everyone`)).status, 204)
  t.equal(await statusOf(last), 404)
  await cleanAfter(51)
  t.same([await kept(), await usage(ann)], [0, 0], 'a group that has ended has no picture')
})

t.test('who has a file as a picture is found by an index', async t => {
  const { db } = await scene(t)
  for (const name of ['users', 'conversations']) {
    const plan = await db
      .collection(name)
      .find({ avatarUrl: `file:${'a'.repeat(24)}` })
      .explain()
    t.match(JSON.stringify(plan['queryPlanner'].winningPlan), /IXSCAN/, name)
    t.notMatch(JSON.stringify(plan['queryPlanner'].winningPlan), /COLLSCAN/, name)
  }
})
