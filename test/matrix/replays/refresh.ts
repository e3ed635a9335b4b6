import { ObjectId } from 'mongodb'
import type { Test } from 'tap'
import type { Answer, TestServer } from '../../kit/helper.ts'
import { codeOf } from '../routes/table.ts'
import { atOnce, countOf, newPhone, type Row, type Stage } from './row.ts'

/** The two tokens of a session, whatever they are called. */
export interface Tokens {
  readonly token: string
  readonly refreshToken: string
}

/** Requests of one app to open a session. */
export interface Opener {
  readonly face: string
  open(server: TestServer): Promise<Tokens>
}

const unified: Opener = {
  face: 'unified',
  open: async server => {
    const phone = newPhone()
    const { devCode: otp } = (await server.call(undefined, 'POST', '/auth/send-otp', { phone })).body.data
    return (await server.call(undefined, 'POST', '/auth/verify-otp-register', { phone, otp })).body.data
  }
}

const chatapp: Opener = {
  face: 'chatapp',
  open: async server => {
    const { accessToken } = await server.signUp()
    const deviceInfo = { deviceId: 'laptop' }
    const { qrToken } = (await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo })).body
    await server.call({ token: accessToken }, 'POST', `/api/auth/qr/${qrToken}/approve`)
    return (await server.call(undefined, 'POST', '/api/auth/login', { qrToken, deviceInfo })).body
  }
}

const canonical: Opener = {
  face: 'canonical',
  open: async server => {
    const { accessToken, refreshToken } = await server.signUp()
    return { token: accessToken, refreshToken }
  }
}

/** Apps that open sessions. */
export const OPENERS: readonly Opener[] = [unified, chatapp, canonical]

/** Routes that trade a token for the next ones, by face. */
const DESKS = [
  ['canonical', '/v1/auth/refresh'],
  ['chatapp', '/api/auth/refresh'],
  ['chatapp under its name', '/chatapp/api/auth/refresh']
] as const

const trade = async (server: TestServer, path: string, refreshToken: string) =>
  await server.call(undefined, 'POST', path, { refreshToken })

function tokensIn({ body }: Answer): Tokens {
  return { token: body.accessToken ?? body.token, refreshToken: body.refreshToken }
}

function sessionOf({ refreshToken }: Tokens): ObjectId {
  return new ObjectId(refreshToken.slice(0, 24))
}

/** Neither of these goes on, wherever that is tried. */
async function requireEnded(t: Test, { server }: Stage, family: readonly Tokens[]): Promise<void> {
  for (const { token, refreshToken } of family) {
    for (const [name, path] of DESKS) {
      const answer = await trade(server, path, refreshToken)
      t.same([answer.status, codeOf(answer.body)], [401, 'session_revoked'], name)
    }
    t.equal((await server.call({ token }, 'GET', '/v1/auth/me')).status, 401, 'the access token')
  }
}

function rowsOf(opener: Opener, [name, path]: (typeof DESKS)[number]): Row[] {
  const row = (what: string, run: Row['run']): Row => ({ face: name, what: `a token of ${opener.face} ${what}`, run })
  return [
    row('used again while its successor is unused gives the same successor', async (t, { server, db }) => {
      const first = await opener.open(server)
      const [one, two] = [await trade(server, path, first.refreshToken), await trade(server, path, first.refreshToken)]
      t.same([one.status, two.status], [200, 200])
      t.equal(tokensIn(one).refreshToken, tokensIn(two).refreshToken)
      t.match(await db.collection('sessions').findOne({ _id: sessionOf(first) }), { generation: 2 })
      t.equal((await server.call(tokensIn(two), 'GET', '/v1/auth/me')).status, 200)
    }),
    row('used again after its successor ends the family', async (t, stage) => {
      const first = await opener.open(stage.server)
      const second = tokensIn(await trade(stage.server, path, first.refreshToken))
      const third = tokensIn(await trade(stage.server, path, second.refreshToken))
      t.equal((await stage.server.call(third, 'GET', '/v1/auth/me')).status, 200)
      t.match(codeOf((await trade(stage.server, path, first.refreshToken)).body), 'session_revoked')
      await requireEnded(t, stage, [first, second, third])
    }),
    row('used again later than the grace, its successor in use, ends the family', async (t, stage) => {
      const first = await opener.open(stage.server)
      const second = tokensIn(await trade(stage.server, path, first.refreshToken))
      t.equal((await stage.server.call(second, 'GET', '/v1/auth/me')).status, 200)
      const rotatedAt = new Date(Date.now() - 10_500)
      await stage.db.collection('sessions').updateOne({ _id: sessionOf(first) }, { $set: { rotatedAt } })
      t.match(codeOf((await trade(stage.server, path, first.refreshToken)).body), 'session_revoked')
      await requireEnded(t, stage, [first, second])
    }),
    row('used ten times at once has one successor', async (t, { server, db }) => {
      const first = await opener.open(server)
      const answers = await atOnce(async () => await trade(server, path, first.refreshToken))
      t.equal(countOf(answers, 200), answers.length)
      t.equal(new Set(answers.map(answer => tokensIn(answer).refreshToken)).size, 1)
      t.match(await db.collection('sessions').findOne({ _id: sessionOf(first) }), { generation: 2 })
    })
  ]
}

const ROW_OF_ALL: Row = {
  face: 'every app at once',
  what: 'a token has one successor, and its reuse in one ends the family in all',
  run: async (t, stage) => {
    const { server } = stage
    const first = await chatapp.open(server)
    const desk = (index: number) => (DESKS[index % DESKS.length] ?? DESKS[0])[1]
    const answers = await atOnce(async index => await trade(server, desk(index), first.refreshToken))
    t.equal(new Set(answers.map(answer => tokensIn(answer).refreshToken)).size, 1)
    const second = tokensIn(answers[0] as Answer)
    const third = tokensIn(await trade(server, desk(1), second.refreshToken))
    t.equal((await trade(server, desk(2), first.refreshToken)).status, 401)
    await requireEnded(t, stage, [first, second, third])
  }
}

export const REFRESH: readonly Row[] = [
  ...OPENERS.flatMap(opener => DESKS.flatMap(desk => rowsOf(opener, desk))),
  ROW_OF_ALL
]
