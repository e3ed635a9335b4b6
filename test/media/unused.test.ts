import { ObjectId } from 'mongodb'
import t from 'tap'
import type { FileDoc } from '../../src/media/store.ts'
import type { Person } from '../kit/helper.ts'
import { HOUR_MS, scene } from './scene.ts'
import { fetched, upload } from './upload.ts'

t.test('an upload that nobody has used is removed after a day, and its room is given back', async t => {
  const { server, cleanAfter, kept, usage } = await scene(t)
  const ann = await server.person()
  const { body } = await upload(server, ann, 'Unused')
  t.same([await kept(), await usage(ann)], [1, 6])
  await cleanAfter(23)
  t.same([await kept(), await usage(ann)], [1, 6])
  await cleanAfter(25)
  t.same([await kept(), await usage(ann)], [0, 0])
  t.equal((await server.call(ann, 'GET', `/v1/files/${body.id}`)).status, 404)
  await cleanAfter(25)
  t.equal(await usage(ann), 0)
})

t.test('a file that a message has stays, until the last such message is deleted for everyone', async t => {
  const { server, cleanAfter, kept, usage } = await scene(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const direct = await server.direct(ann, ben)
  const { url } = (await upload(server, ann, 'Used')).body
  const path = `/v1/conversations/${direct}/messages`
  const send = async (clientId: string) =>
    (await server.call(ann, 'POST', path, { clientId, type: 'file', attachments: [{ type: 'file', url }] })).body.id
  const [first, second] = [await send('a'), await send('b')]
  await cleanAfter(49)
  t.equal(await kept(), 1)
  await server.call(ann, 'DELETE', `${path}/${first}?scope=everyone`)
  await cleanAfter(50)
  t.same([await kept(), await usage(ann)], [1, 4], 'another message has it')
  await server.call(ann, 'DELETE', `${path}/${second}?scope=me`)
  await cleanAfter(51)
  t.equal(await kept(), 1, 'who hides it has not deleted it')
  await server.call(ann, 'DELETE', `${path}/${second}?scope=everyone`)
  await cleanAfter(52)
  t.same([await kept(), await usage(ann)], [0, 0])
})

t.test('what a server leaves that dies at any step of keeping or removing a file is cleared away', async t => {
  const { server, db, cleanAfter, kept, usage } = await scene(t)
  const ann = await server.person()
  const died: [string, 'storing' | 'removing'][] = [
    ['while its bytes were put there', 'storing'],
    ['while they were removed', 'removing']
  ]
  for (const [what, state] of died) {
    const { body } = await upload(server, ann, 'Half')
    await db.collection('files').updateOne({ _id: new ObjectId(body.id.slice(-24)) }, { $set: { state } })
    t.equal((await server.call(ann, 'GET', `/v1/files/${body.id}`)).status, 404, `${what}: nobody sees it`)
    await cleanAfter(25)
    t.same([await kept(), await usage(ann)], [0, 0], what)
  }
})

t.test('who lets go of a file while it is found in use is heard at the next look', async t => {
  const { server, db, files } = await scene(t)
  const { id } = (await upload(server, await server.person(), 'Used until now')).body
  const _id = new ObjectId(id.slice(-24))
  const row = async () => await db.collection<FileDoc>('files').findOne({ _id })
  const [found] = await files.findDue(new Date(Date.now() + 2 * 24 * HOUR_MS), 1)
  if (found === undefined) throw new Error('It is not due')
  t.equal(await files.beginRemoval(found), true)
  const later = new Date(Date.now() + 60_000)
  await files.lookAt(_id, later)
  await files.keep(found)
  t.match(await row(), { state: 'stored', checkAt: later })
})

t.test('the file of a message that is over is seen by nobody, and goes with it', async t => {
  const { server, cleanAfter, kept, usage } = await scene(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const direct = await server.direct(ann, ben)
  const path = `/v1/conversations/${direct}`
  const { url } = (await upload(server, ann, 'For a while')).body
  await server.call(ann, 'PUT', `${path}/expiry`, { expireAfterSeconds: 10 })
  const socket = await server.connect(ben)
  const message = { clientId: 'a', type: 'file', attachments: [{ type: 'file', url }] }
  const { id } = (await server.call(ann, 'POST', `${path}/messages`, message)).body
  await server.call(ann, 'PUT', `${path}/messages/${id}/pin`)
  const seen = (await server.call(ben, 'GET', `${path}/messages/${id}`)).body.attachments[0].url
  t.equal((await fetched(seen)).status, 200)
  await socket.next(frame => frame.type === 'message:deleted')
  t.equal((await fetched(seen)).status, 404)
  t.same((await server.call(ben, 'GET', `${path}/pins`)).body.messages, [])
  await cleanAfter(1)
  t.same([await kept(), await usage(ann)], [0, 0])
})

t.test('a scheduled message keeps its file until it is sent, and a forwarded one as long as it is there', async t => {
  const { server, cleanAfter, kept } = await scene(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const [direct, group] = [await server.direct(ann, ben), await server.group(ann, ben)]
  const { url } = (await upload(server, ann, 'Later')).body
  const sendAt = new Date(Date.now() + 72 * HOUR_MS).toISOString()
  const plan = { clientId: 'a', sendAt, type: 'file', attachments: [{ type: 'file', url }] }
  const made = await server.call(ann, 'POST', `/v1/conversations/${direct}/scheduled-messages`, plan)
  t.equal(made.status, 201, made.text)
  await cleanAfter(71)
  t.equal(await kept(), 1)
  const soon = { clientId: 'now', type: 'file', attachments: [{ type: 'file', url }] }
  const path = `/v1/conversations/${direct}/messages`
  const gone = (await server.call(ann, 'POST', path, soon)).body.id
  await server.call(ann, 'DELETE', `${path}/${gone}?scope=everyone`)
  await cleanAfter(71)
  t.equal(await kept(), 1, 'also when a message that had it was deleted')
  const [listed] = (await server.call(ann, 'GET', '/v1/scheduled-messages')).body.scheduled
  t.equal((await fetched(listed.attachments[0].url)).status, 200)
  const { clientId, type, attachments } = plan
  const message = { clientId, type, attachments }
  const { id } = (await server.call(ann, 'POST', `/v1/conversations/${direct}/messages`, message)).body
  const forward = { messages: [{ conversationId: direct, messageId: id, clientId: 'f' }], to: [group] }
  t.equal((await server.call(ben, 'POST', '/v1/messages/forward', forward)).status, 200)
  await server.call(ann, 'DELETE', `/v1/conversations/${direct}/messages/${id}?scope=everyone`)
  await cleanAfter(200)
  t.equal(await kept(), 1)
  const { body } = await server.call(ben, 'GET', `/v1/conversations/${group}/messages?limit=1`)
  t.equal((await fetched(body.messages[0].attachments[0].url)).bytes.toString(), 'Later')
})
