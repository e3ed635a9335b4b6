import t from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import { openDatabase } from '../../kit/databases.ts'
import { joinServer, type Person, startServer } from '../../kit/helper.ts'

t.test(
  '2.8 sessions, tickets and codes are removed by the database when their time is over; typing is not stored',
  async t => {
    const server = await joinServer(t)
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const conversationId = await server.direct(ann, ben)
    await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo: { deviceId: 'd' } })
    await server.call(ann, 'POST', '/v1/auth/tickets')
    await server.signUp()
    const db = (await openDatabase(t, server.uri)).db()
    for (const name of ['sessions', 'tickets', 'qrLogins', 'otps']) {
      const indexes = await db.collection(name).indexes()
      t.ok(
        indexes.some(it => it['expireAfterSeconds'] === 0 && 'expiresAt' in it.key),
        name
      )
    }
    for (const name of ['sessions', 'tickets', 'qrLogins']) {
      const row = await db.collection(name).findOne()
      t.ok(row?.['expiresAt'] instanceof Date && row['expiresAt'].getTime() > Date.now(), `${name} have an end`)
    }
    const counts = async () => {
      const names = (await db.listCollections().toArray()).map(({ name }) => name).sort()
      return await Promise.all(names.map(async name => [name, await db.collection(name).countDocuments()]))
    }
    const socket = await server.connect(ann)
    const before = await counts()
    await socket.ask('typing:start', { conversationId })
    t.same(await counts(), before)
  }
)

t.test(
  '2.8 what belongs together is written together: many senders at once leave one conversation without gaps',
  async t => {
    const server = await startServer(t, { env: { MONGODB_POOL_SIZE: '3' } })
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const sends = Array.from({ length: 30 }, async (_, n) => {
      const [from, to] = n % 2 === 0 ? [ann, ben] : [ben, ann]
      return await server.call(from, 'POST', '/api/messages', { to: to.id, text: String(n) })
    })
    const answers = await Promise.all(sends)
    t.same(new Set(answers.map(({ status }) => status)), new Set([201]))
    t.equal(new Set(answers.map(({ body }) => body.conversationId)).size, 1)
    const db = (await openDatabase(t, server.uri)).db()
    t.equal(await db.collection('conversations').countDocuments(), 1)
    const seqs = (await db.collection('messages').find().sort({ seq: 1 }).toArray()).map(it => it['seq'])
    t.same(
      seqs,
      Array.from({ length: 30 }, (_, n) => n + 1)
    )
    t.equal((await db.collection('conversations').findOne())?.['seq'], 30)
  }
)

t.test('2.9 the environment has the document’s names and defaults', async t => {
  const { PORT, NODE_ENV, JWT_EXPIRES_IN, QR_TOKEN_EXPIRES_IN } = readConfig({})
  t.same(
    { PORT, NODE_ENV, JWT_EXPIRES_IN, QR_TOKEN_EXPIRES_IN },
    {
      ...{ PORT: 3000, NODE_ENV: 'development' },
      ...{ JWT_EXPIRES_IN: 7 * 86_400_000, QR_TOKEN_EXPIRES_IN: 300_000 }
    }
  )
  const given = readConfig({
    ...{ MONGODB_URI: 'mongodb://localhost:27017/chatapp_db', JWT_SECRET: 'q8Zr2LwX0vNfKd7TtYp4sJhGcB1mEu6A' },
    ...{ JWT_EXPIRES_IN: '7d', QR_TOKEN_EXPIRES_IN: '60000', PORT: '4000', NODE_ENV: 'production' },
    ...{ OTP_DELIVERY: 'webhook', OTP_WEBHOOK_URL: 'https://codes.example.com', OTP_WEBHOOK_SECRET: 'k'.repeat(16) }
  })
  t.match(given, {
    ...{ MONGODB_URI: 'mongodb://localhost:27017/chatapp_db', JWT_SECRET: ['q8Zr2LwX0vNfKd7TtYp4sJhGcB1mEu6A'] },
    ...{ JWT_EXPIRES_IN: 604_800_000, QR_TOKEN_EXPIRES_IN: 60_000, PORT: 4000, NODE_ENV: 'production' }
  })
})

t.test('2.9 tokens live as long as JWT_EXPIRES_IN says', async t => {
  const server = await startServer(t, { env: { JWT_EXPIRES_IN: '90s' } })
  const { accessToken } = await server.signUp()
  const { iat, exp } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
  t.equal(exp - iat, 90)
})
