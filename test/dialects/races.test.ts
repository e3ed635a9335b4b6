import { MongoClient, ObjectId } from 'mongodb'
import t, { type Test } from 'tap'
import { extent } from '../kit/extent.ts'
import { type Answer, type Person, startServer, type TestServer } from '../kit/helper.ts'
import { bare } from './apps/line.ts'

const ROUNDS = extent(8, 100)

interface Scene {
  readonly server: TestServer
  readonly db: ReturnType<MongoClient['db']>
}

async function open(t: Test): Promise<Scene> {
  const env = { LIMITS_OPEN_REQUESTS: '1000', LIMITS_REQUESTS_PER_DAY: '1000', LIMITS_PASSWORD_TRIES: '1000' }
  const server = await startServer(t, { env })
  const client = new MongoClient(server.uri, { readConcern: { level: 'majority' } })
  t.teardown(async () => await client.close())
  return { server, db: client.db() }
}

/** Runs the rounds one after the other; within each everything happens at once. */
async function inRounds(round: (index: number) => Promise<void>): Promise<void> {
  for (let index = 0; index < ROUNDS; index++) await round(index)
}

async function directChats({ db }: Scene, a: Person, b: Person): Promise<string[]> {
  const chats = await db
    .collection('conversations')
    .find({ type: 'direct', pairKey: [a.hex, b.hex].sort().join(':') })
    .toArray()
  return chats.map(({ _id }) => _id.toHexString())
}

t.test('requests of two people to each other, at once from two kinds of app, make one chat', async t => {
  const scene = await open(t)
  const { server } = scene
  await inRounds(async index => {
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const answers = await Promise.all([
      server.call(ann, 'POST', '/chat-requests', { to: ben.hex }),
      server.call(ben, 'POST', '/v1/requests', { kind: 'chat', to: ann.id })
    ])
    const chats = await directChats(scene, ann, ben)
    const { requests } = (await server.call(ann, 'GET', '/v1/requests')).body
    const outcome = [answers.map(({ status }) => status), chats.length, requests.map((it: Answer) => it.status)]
    t.same(outcome, [[200, 200], 1, ['accepted']], `round ${index}`)
  })
})

t.test('a request accepted on two devices at once makes one chat', async t => {
  const scene = await open(t)
  const { server } = scene
  await inRounds(async index => {
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const { id } = (await server.call(ann, 'POST', '/chat-requests', { to: ben.hex })).body.data
    const [one, other] = await Promise.all([
      server.call(ben, 'POST', `/chat-requests/${id}/accept`),
      server.call(ben, 'POST', `/v1/requests/req_${id}/accept`)
    ])
    const [chat, ...more] = await directChats(scene, ann, ben)
    const answered = [one.body.data?.conversationId, bare(other.body.conversationId ?? '')]
    t.same([answered, more], [[chat, chat], []], `round ${index}: ${one.text} ${other.text}`)
  })
})

t.test('a chat started at once from every app, from both sides, is one chat with every message once', async t => {
  const scene = await open(t)
  const { server, db } = scene
  await inRounds(async index => {
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const answers = await Promise.all([
      server.call(ann, 'POST', '/conversations/single', { userId: ben.hex }),
      server.call(ben, 'POST', '/contacts/start-chat', { userId: ann.hex }),
      server.call(ann, 'POST', '/v1/conversations', { type: 'direct', userId: ben.id }),
      server.call(ben, 'GET', `/api/v1/chat/${ann.hex}`),
      server.call(ann, 'POST', '/api/messages', { to: ben.id, text: 'One' }),
      server.call(ben, 'POST', '/api/messages/send', { recipientId: ann.hex, text: 'Two' }),
      server.call(ann, 'POST', `/api/v1/chat/${ben.hex}/messages`, { text: 'Three' }),
      server.call(ben, 'POST', '/messages', { to: ann.hex, content: 'Four' })
    ])
    const [chat = '', ...more] = await directChats(scene, ann, ben)
    const conversationId = ObjectId.createFromHexString(chat)
    const messages = await db.collection('messages').find({ conversationId }).sort({ seq: 1 }).toArray()
    const outcome = {
      refused: answers.filter(({ status }) => status >= 300).map(({ text }) => text),
      more,
      members: await db.collection('members').countDocuments({ conversationId }),
      seqs: messages.map(({ seq }) => seq),
      texts: messages.map(({ text }) => text).sort()
    }
    const expected = { refused: [], more: [], members: 2, seqs: [1, 2, 3, 4], texts: ['Four', 'One', 'Three', 'Two'] }
    t.same(outcome, expected, `round ${index}`)
  })
})

t.test('of two edits of a message at once one is last, and the history of edits has the other', async t => {
  const { server } = await open(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const direct = await server.direct(ann, ben)
  const path = `/v1/conversations/${direct}/messages`
  await inRounds(async index => {
    const { id } = (await server.call(ann, 'POST', path, { clientId: `m${index}`, text: 'First' })).body
    const edits = await Promise.all([
      server.call(ann, 'PATCH', `/messages/${bare(id)}`, { text: 'By one device' }),
      server.call(ann, 'PATCH', `${path}/${id}`, { text: 'By another' })
    ])
    const { text } = (await server.call(ben, 'GET', `${path}/${id}`)).body
    const former = (await server.call(ben, 'GET', `${path}/${id}/edits`)).body.map((it: { text: string }) => it.text)
    t.same(
      [edits.map(({ status }) => status), former[0], [...former.slice(1), text].sort()],
      [[200, 200], 'First', ['By another', 'By one device']],
      `round ${index}`
    )
  })
})

t.test('while people are in a group it has one owner, whoever leaves and is removed at once', async t => {
  const { server, db } = await open(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  await inRounds(async index => {
    const group = bare(await server.group(ann, ben, cleo))
    await server.call(ann, 'PUT', `/groups/${group}/admins`, { userIds: [ben.hex] })
    const answers = await Promise.all([
      server.call(ann, 'POST', `/groups/${group}/leave`),
      server.call(ann, 'DELETE', `/conversations/${group}/participants/${ben.hex}`),
      server.call(ben, 'POST', `/v1/conversations/conv_${group}/leave`)
    ])
    const conversationId = ObjectId.createFromHexString(group)
    const left = await db.collection('members').find({ conversationId, leftAt: null }).toArray()
    const conversation = await db.collection('conversations').findOne({ _id: conversationId })
    const outcome = {
      accidents: answers.filter(({ status }) => status >= 500).map(({ text }) => text),
      left: left.map(({ userId, role }) => [userId.toHexString(), role]),
      memberCount: conversation?.['memberCount']
    }
    t.same(outcome, { accidents: [], left: [[cleo.hex, 'owner']], memberCount: 1 }, `round ${index}`)
  })
})

t.test(
  'a refresh token used at once from two faces keeps one session, and ends it when it is reused later',
  async t => {
    const { server } = await open(t)
    const signedIn = await server.signUp()
    const first = signedIn.refreshToken
    let token = first
    await inRounds(async index => {
      const answers = await Promise.all([
        server.call(undefined, 'POST', '/api/auth/refresh', { refreshToken: token }),
        server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken: token })
      ])
      t.same(
        answers.map(({ status }) => status),
        [200, 200],
        `round ${index}`
      )
      token = answers[index % 2]?.body.refreshToken
      const access = answers[1]?.body.accessToken
      const { sessions } = (await server.call({ token: access }, 'GET', '/v1/sessions')).body
      t.equal(sessions.length, 1)
    })
    t.equal((await server.call(undefined, 'POST', '/api/auth/refresh', { refreshToken: first })).status, 401)
    t.equal(
      (await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken: token })).status,
      401,
      'all are dead'
    )
  }
)

t.test('a QR code approved by two people at once lets one of them in, once', async t => {
  const { server } = await open(t)
  const [ann, ben] = [await server.signUp(), await server.signUp()]
  await inRounds(async index => {
    const deviceInfo = { deviceId: `device-${index}`, platform: 'web' }
    const { qrToken, matchCode } = (await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo })).body
    const approvals = await Promise.all([
      server.call({ token: ann.accessToken }, 'POST', `/api/auth/qr/${qrToken}/approve`, { matchCode }),
      server.call({ token: ben.accessToken }, 'POST', `/v1/auth/qr/${qrToken}/approve`, { matchCode })
    ])
    const logins = await Promise.all([
      server.call(undefined, 'POST', '/api/auth/login', { qrToken, deviceInfo }),
      server.call(undefined, 'POST', '/api/auth/login', { qrToken, deviceInfo })
    ])
    const approver = approvals[0]?.status === 200 ? ann.user.id : ben.user.id
    t.same(
      {
        approvals: approvals.filter(({ status }) => status === 200).length,
        logins: logins.filter(({ status }) => status === 200).map(({ body }) => body.userId)
      },
      { approvals: 1, logins: [approver] },
      `round ${index}`
    )
  })
})
