import t from 'tap'
import { joinServer, type Person, startServer, type TestServer, TOGETHER } from '../kit/helper.ts'

/** A group of an owner, an admin and a member, and somebody outside. */
async function scene(server: TestServer) {
  const [ann, ben, cleo, eve] = (await server.people(4)) as [Person, Person, Person, Person]
  const id = await server.group(ann, ben, cleo)
  const path = `/v1/conversations/${id}`
  await server.call(ann, 'PATCH', `${path}/members/${ben.id}`, { role: 'admin' })
  let count = 0
  const send = async (who: Person) =>
    (await server.call(who, 'POST', `${path}/messages`, { clientId: `c${count++}`, text: 'Hi' })).status
  const set = async (who: Person, settings: object) => (await server.call(who, 'PATCH', path, { settings })).status
  return { ann, ben, cleo, eve, id, path, send, set }
}

t.test('where only admins may send, everybody else is refused, and hears it', async t => {
  const server = await joinServer(t)
  const { ann, ben, cleo, path, send, set } = await scene(server)
  t.match((await server.call(cleo, 'GET', path)).body.settings, { whoMaySend: 'members', whoMayAdd: 'admins' })
  const cleos = await server.connect(cleo)
  t.equal(await set(cleo, { whoMaySend: 'members' }), 403, 'a member sets nothing')
  t.equal(await set(ben, { whoMaySend: 'admins' }), 200)
  t.match((await cleos.next('conversation:updated')).data.settings, { whoMaySend: 'admins', history: 'joined' })
  t.same([await send(ann), await send(ben), await send(cleo)], [201, 201, 403])
  t.equal(
    (await cleos.refused('message:send', { conversationId: path.slice(18), clientId: 'x', text: 'x' })).code,
    'forbidden'
  )
  t.equal(await set(ann, { whoMaySend: 'members' }), 200)
  t.equal(await send(cleo), 201)
})

t.test('members may add and rename where the group says so, and never change its settings', async t => {
  const server = await joinServer(t)
  const { ann, cleo, eve, path, set } = await scene(server)
  const add = async () => (await server.call(cleo, 'POST', `${path}/members`, { userIds: [eve.id] })).status
  const rename = async () => (await server.call(cleo, 'PATCH', path, { name: 'Ours' })).status
  t.same([await add(), await rename()], [403, 403])
  t.equal(await set(ann, { whoMayAdd: 'members', whoMayEdit: 'members' }), 200)
  t.same([await add(), await rename()], [200, 200])
  t.equal(await set(cleo, { whoMaySend: 'admins' }), 403)
  t.equal((await server.call(cleo, 'DELETE', `${path}/members/${eve.id}`)).status, 403, 'adding is not removing')
})

t.test('a new member sees what was said before where the history is for all, and only there', async t => {
  const server = await joinServer(t)
  const { ann, eve, path, id, send, set } = await scene(server)
  const dan = await server.person()
  await send(ann)
  await server.call(ann, 'POST', `${path}/members`, { userIds: [dan.id] })
  const textsOf = async (who: Person) =>
    (await server.call(who, 'GET', `${path}/messages`)).body.messages.flatMap((it: { text?: string }) => it.text ?? [])
  t.same(await textsOf(dan), [])
  await set(ann, { history: 'all' })
  const eves = await server.connect(eve)
  await server.call(ann, 'POST', `${path}/members`, { userIds: [eve.id] })
  t.match((await eves.next('conversation:added')).data, { id, me: { joinedSeq: 0 }, unreadCount: 0 })
  t.same(await textsOf(eve), ['Hi'])
  t.match((await server.call(eve, 'GET', path)).body, { unreadCount: 0 }, 'the past is not unread')
  t.same(await textsOf(dan), [], 'who came before keeps what they had')
})

t.test('no admin is above the owner, and only the owner hands over or ends the group', async t => {
  const server = await joinServer(t)
  const { ann, ben, cleo, path } = await scene(server)
  const forbidden = { status: 403, body: { error: { code: 'forbidden' } } }
  t.match(await server.call(ben, 'DELETE', `${path}/members/${ann.id}`), forbidden)
  t.match(await server.call(ben, 'PATCH', `${path}/members/${ann.id}`, { role: 'member' }), forbidden)
  t.match(await server.call(ben, 'PATCH', `${path}/members/${ben.id}`, { role: 'owner' }), forbidden)
  for (const who of [ben, cleo]) t.match(await server.call(who, 'DELETE', `${path}?scope=everyone`), forbidden)
  t.equal((await server.call(ann, 'PATCH', `${path}/members/${cleo.id}`, { role: 'owner' })).status, 200)
  const { members } = (await server.call(ann, 'GET', `${path}/members`)).body
  const roles = new Map(members.map(({ userId, role }: Record<string, string>) => [userId, role]))
  t.same(
    [ann, ben, cleo].map(({ id }) => roles.get(id)),
    ['admin', 'admin', 'owner']
  )
})

t.test('ending a group takes everybody out and tells them, once', async t => {
  const server = await joinServer(t)
  const { ann, ben, cleo, id, path, send } = await scene(server)
  const sockets = await Promise.all([ann, ben, cleo].map(async who => await server.connect(who)))
  t.equal((await server.call(ann, 'DELETE', `${path}?scope=everyone`)).status, 204)
  for (const socket of sockets) t.equal((await socket.next('conversation:removed')).data.conversationId, id)
  for (const who of [ann, ben, cleo]) {
    t.equal((await server.call(who, 'GET', path)).status, 404)
    t.equal(await send(who), 404)
    t.same((await server.call(who, 'GET', '/v1/conversations')).body.conversations, [])
  }
  t.equal((await server.call(ann, 'DELETE', `${path}?scope=everyone`)).status, 404)
  const direct = await server.direct(ann, ben)
  t.equal((await server.call(ann, 'DELETE', `/v1/conversations/${direct}?scope=everyone`)).status, 400)
})

t.test('a hundred times: the owner leaves while the heir is removed or removes, and there is one owner', async t => {
  const first = await startServer(t, TOGETHER)
  const second = await startServer(t, { uri: first.uri, ...TOGETHER })
  const [ann, ben, cleo, dan] = (await first.people(4)) as [Person, Person, Person, Person]
  for (let round = 0; round < 100; round++) {
    const id = await first.group(ann, ben, cleo, dan)
    const path = `/v1/conversations/${id}`
    await first.call(ann, 'PATCH', `${path}/members/${ben.id}`, { role: 'admin' })
    const answers = await Promise.all([
      first.call(ann, 'POST', `${path}/leave`),
      second.call(ann, 'DELETE', `${path}/members/${ben.id}`),
      second.call(ben, 'DELETE', `${path}/members/${cleo.id}`),
      first.call(dan, 'POST', `${path}/leave`)
    ])
    const bad = answers.filter(({ status }) => ![200, 403, 404].includes(status))
    if (bad.length > 0) t.fail(`${round}: ${bad.map(({ text }) => text).join()}`)
    const left = [ben, cleo].filter((_, index) => answers[index + 1]?.status !== 200)
    const witness = left[0]
    if (witness === undefined) continue
    const { members } = (await first.call(witness, 'GET', `${path}/members`)).body
    const owners = members.filter(({ role }: { role: string }) => role === 'owner')
    const ids = members.map(({ userId }: { userId: string }) => userId).sort()
    if (owners.length !== 1) t.fail(`${round}: ${owners.length} owners`)
    if (JSON.stringify(ids) !== JSON.stringify(left.map(it => it.id).toSorted((a, b) => (a < b ? -1 : 1))))
      t.fail(`${round}: ${ids}`)
  }
  t.pass('100 rounds')
})

t.test('a hundred times: two editors at once, and the last one’s text is what everybody sees', async t => {
  const first = await startServer(t, TOGETHER)
  const second = await startServer(t, { uri: first.uri, ...TOGETHER })
  const [ann, ben] = (await first.people(2)) as [Person, Person]
  const id = await first.group(ann, ben)
  const path = `/v1/conversations/${id}`
  await first.call(ann, 'PATCH', `${path}/members/${ben.id}`, { role: 'admin' })
  const { id: messageId } = (await first.call(ann, 'POST', `${path}/messages`, { clientId: 'm', text: 'Text' })).body
  for (let round = 0; round < 100; round++) {
    const [a, b, x, y] = await Promise.all([
      first.call(ann, 'PATCH', path, { name: `A ${round}` }),
      second.call(ben, 'PATCH', path, { name: `B ${round}` }),
      first.call(ann, 'PATCH', `${path}/messages/${messageId}`, { text: `X ${round}` }),
      second.call(ann, 'PATCH', `${path}/messages/${messageId}`, { text: `Y ${round}` })
    ])
    const name = a.body.rev > b.body.rev ? `A ${round}` : `B ${round}`
    const text = x.body.rev > y.body.rev ? `X ${round}` : `Y ${round}`
    const seen = await Promise.all([first, second].map(async it => (await it.call(ben, 'GET', path)).body.name))
    if (seen.some(it => it !== name)) t.fail(`${round}: ${seen}, not ${name}`)
    const message = (await second.call(ben, 'GET', `${path}/messages/${messageId}`)).body
    if (message.text !== text) t.fail(`${round}: ${message.text}, not ${text}`)
  }
  t.pass('100 rounds')
})
