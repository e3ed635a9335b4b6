import { ObjectId } from 'mongodb'
import type { Test } from 'tap'
import type { Answer, TestServer } from '../../kit/helper.ts'
import { codeOf } from '../routes/table.ts'
import { atOnce, countOf, type Row, type Stage } from './row.ts'

/** Caller, by token; nobody without. */
type Who = { readonly token: string } | undefined

/** Maker of a code: a person signed in, or a device that is not. */
type Maker = { readonly token: string } | { readonly deviceId: string }

/** A code as its maker has it. */
interface Code {
  readonly token: string
  readonly matchCode: string
  readonly deviceSecret?: string
}

/** Secret that a device makes up for a code of somebody. */
const SECRET = 's'.repeat(43)

/** Requests of one app to sign in by a picture. */
interface Door {
  readonly face: string
  /** A code of who is signed in, or of a device that is not. */
  make(server: TestServer, maker: Maker): Promise<Code>
  approve(server: TestServer, who: Who, code: Code): Promise<Answer>
  login(server: TestServer, code: Code, deviceId: string): Promise<Answer>
  look(server: TestServer, who: Who, code: Code): Promise<Answer>
}

const canonical: Door = {
  face: 'canonical',
  make: async (server, maker) => {
    const [who, body] = 'token' in maker ? [maker, {}] : [undefined, { device: { id: maker.deviceId } }]
    return (await server.call(who, 'POST', '/v1/auth/qr', body)).body
  },
  // What both devices show is known once a device has presented the code.
  approve: async (server, who, code) => {
    const { matchCode = '00' } = (await server.call(who, 'GET', `/v1/auth/qr/${code.token}`)).body
    return await server.call(who, 'POST', `/v1/auth/qr/${code.token}/approve`, { matchCode })
  },
  login: async (server, { token, deviceSecret = SECRET }, deviceId) =>
    await server.call(undefined, 'POST', `/v1/auth/qr/${token}/login`, { deviceId, deviceSecret }),
  look: async (server, who, { token }) => await server.call(who, 'GET', `/v1/auth/qr/${token}`)
}

const chatapp = (root: string): Door => ({
  face: `chatapp at ${root || '/'}`,
  make: async (server, maker) => {
    const [who, body] = 'token' in maker ? [maker, {}] : [undefined, { deviceInfo: maker }]
    const answer = await server.call(who, 'POST', `${root}/api/auth/qr`, body)
    return { token: answer.body.qrToken, matchCode: answer.body.matchCode }
  },
  approve: async (server, who, { token }) => await server.call(who, 'POST', `${root}/api/auth/qr/${token}/approve`),
  login: async (server, { token }, deviceId) =>
    await server.call(undefined, 'POST', `${root}/api/auth/login`, { qrToken: token, deviceInfo: { deviceId } }),
  look: async (server, who, { token }) => await server.call(who, 'GET', `${root}/api/auth/qr/${token}`)
})

const DOORS = [canonical, chatapp(''), chatapp('/chatapp')]

interface Somebody {
  readonly id: string
  readonly token: string
}

async function somebody(server: TestServer): Promise<Somebody> {
  const { user, accessToken } = await server.signUp()
  return { id: user.id, token: accessToken }
}

function requireRefused(t: Test, { status, body, text }: Answer, expected: [number, string], what: string): void {
  t.same([status, codeOf(body)], expected, `${what}: ${text}`)
}

const OVER: [number, string] = [401, 'unauthenticated']
const UNKNOWN: [number, string] = [404, 'not_found']

const hexOf = (id: string) => new ObjectId(id.slice(-24))

/** Sessions that were opened besides the one of registering. */
async function signInsOf({ db }: Stage, { id }: Somebody): Promise<number> {
  return (await db.collection('sessions').countDocuments({ userId: hexOf(id) })) - 1
}

/** Rows in which one app makes and presents the code, and maybe another approves it. */
function usedAgain(door: Door, other: Door): Row[] {
  const row = (what: string, run: Row['run']): Row => ({ face: door.face, what: `a picture ${what}`, run })
  const begin = async ({ server }: Stage) => {
    const phone = await somebody(server)
    return { phone, code: await door.make(server, { deviceId: 'laptop' }) }
  }
  return [
    row(`approved in ${other.face} and used twice signs in once`, async (t, stage) => {
      const { phone, code } = await begin(stage)
      requireRefused(t, await door.login(stage.server, code, 'laptop'), [409, 'approval_pending'], 'not yet')
      t.equal((await other.approve(stage.server, phone, code)).status, 200)
      t.equal((await door.login(stage.server, code, 'laptop')).status, 200)
      for (const it of DOORS) requireRefused(t, await it.login(stage.server, code, 'laptop'), OVER, it.face)
      t.match((await door.look(stage.server, phone, code)).body, { status: 'used' })
      t.equal(await signInsOf(stage, phone), 1)
    }),
    row(`approved in ${other.face} and used ten times at once signs in once`, async (t, stage) => {
      const { phone, code } = await begin(stage)
      await other.approve(stage.server, phone, code)
      // A program of another app would end it.
      const second = other === canonical ? door : other
      const answers = await atOnce(async index => await (index % 2 ? door : second).login(stage.server, code, 'laptop'))
      t.same([countOf(answers, 200), countOf(answers, 401)], [1, answers.length - 1])
      t.equal(await signInsOf(stage, phone), 1)
    }),
    row(`approved ten times at once, here and in ${other.face}, is approved once`, async (t, stage) => {
      const { phone, code } = await begin(stage)
      const answers = await atOnce(async index => await (index % 2 ? door : other).approve(stage.server, phone, code))
      t.equal(countOf(answers, 200), answers.length, 'a repeat answers the same')
      t.same(new Set(answers.map(({ body }) => body.status)), new Set(['approved']))
      t.equal((await door.login(stage.server, code, 'laptop')).status, 200)
      t.equal(await signInsOf(stage, phone), 1)
    }),
    row(`approved at once by two, one of them in ${other.face}, lets one of them in`, async (t, stage) => {
      const { phone, code } = await begin(stage)
      const eve = await somebody(stage.server)
      const answers = await Promise.all([
        door.approve(stage.server, phone, code),
        other.approve(stage.server, eve, code)
      ])
      t.same([countOf(answers, 200), countOf(answers, 409)], [1, 1])
      t.equal((await door.login(stage.server, code, 'laptop')).status, 200)
      const winner = answers[0]?.status === 200 ? phone : eve
      t.same([await signInsOf(stage, phone), await signInsOf(stage, eve)], winner === phone ? [1, 0] : [0, 1])
    })
  ]
}

/** Rows of people who may not approve. */
function strangers(door: Door): Row[] {
  const row = (what: string, run: Row['run']): Row => ({ face: door.face, what: `a picture ${what}`, run })
  return [
    row('is approved by nobody who is not signed in', async (t, { server, db }) => {
      const [away, disabled] = [await somebody(server), await somebody(server)]
      t.equal((await server.call(away, 'POST', '/v1/auth/logout-everywhere')).status, 204)
      await db.collection('users').updateOne({ _id: hexOf(disabled.id) }, { $set: { isDisabled: true } })
      const code = await door.make(server, { deviceId: 'laptop' })
      requireRefused(t, await door.approve(server, undefined, code), OVER, 'by nobody')
      requireRefused(t, await door.approve(server, { token: 'forged' }, code), OVER, 'by a forged token')
      requireRefused(t, await door.approve(server, away, code), [401, 'session_revoked'], 'by who has signed out')
      requireRefused(t, await door.approve(server, disabled, code), [403, 'account_disabled'], 'by a disabled account')
      requireRefused(t, await door.login(server, code, 'laptop'), [409, 'approval_pending'], 'still')
    }),
    row('of somebody is approved by them alone', async (t, { server }) => {
      const [phone, blocked, stranger] = [await somebody(server), await somebody(server), await somebody(server)]
      t.equal((await server.call(phone, 'POST', '/v1/blocks', { userId: blocked.id })).status, 204)
      const code = await door.make(server, phone)
      requireRefused(t, await door.login(server, code, 'laptop'), [409, 'approval_pending'], 'presented')
      requireRefused(t, await door.approve(server, blocked, code), UNKNOWN, 'by who is blocked by its maker')
      requireRefused(t, await door.approve(server, stranger, code), UNKNOWN, 'by a stranger')
      requireRefused(t, await door.approve(server, undefined, code), OVER, 'by nobody')
      requireRefused(t, await door.login(server, code, 'laptop'), [409, 'approval_pending'], 'still')
      t.equal((await door.approve(server, phone, code)).status, 200)
    }),
    row('approved by a session that has ended signs nobody in', async (t, stage) => {
      const phone = await somebody(stage.server)
      const code = await door.make(stage.server, { deviceId: 'laptop' })
      t.equal((await door.approve(stage.server, phone, code)).status, 200)
      await stage.server.call(phone, 'POST', '/v1/auth/logout')
      requireRefused(t, await door.login(stage.server, code, 'laptop'), OVER, 'too late')
    })
  ]
}

/** Rows of a second device, whose secret is another one. */
function boundBySecret(door: Door): Row[] {
  const row = (what: string, run: Row['run']): Row => ({ face: door.face, what: `a picture ${what}`, run })
  return [
    row('is for the device that showed it', async (t, { server }) => {
      const phone = await somebody(server)
      const code = await door.make(server, { deviceId: 'laptop' })
      requireRefused(t, await door.login(server, code, 'thief'), OVER, 'before')
      t.equal((await door.approve(server, phone, code)).status, 200)
      const thief = { ...code, deviceSecret: SECRET }
      requireRefused(t, await door.login(server, thief, 'laptop'), OVER, 'after')
      const secret = { 'device-secret': SECRET }
      const asked = await server.call(undefined, 'GET', `/v1/auth/qr/${code.token}`, undefined, secret)
      requireRefused(t, asked, UNKNOWN, 'asked about by another')
      t.equal((await door.login(server, code, 'laptop')).status, 200)
    }),
    row('of somebody is for the first device of many at once', async (t, { server }) => {
      const phone = await somebody(server)
      const code = await door.make(server, phone)
      const answers = await atOnce(async index => await door.login(server, code, `device-${index}`))
      t.same([countOf(answers, 409), countOf(answers, 401)], [1, answers.length - 1])
      t.equal((await door.approve(server, phone, code)).status, 200)
      const again = await atOnce(async index => await door.login(server, code, `device-${index}`))
      t.same(
        again.map(({ status }) => status === 200),
        answers.map(({ status }) => status === 409)
      )
    })
  ]
}

/** Rows of a second device of an app that keeps no secret. */
function endedBySecond(door: Door): Row[] {
  const row = (what: string, run: Row['run']): Row => ({ face: door.face, what: `a picture ${what}`, run })
  const requireEnded = async (t: Test, { server }: Stage, phone: Somebody, code: Code) => {
    t.match((await door.look(server, phone, code)).body, { status: 'refused' })
    requireRefused(t, await door.approve(server, phone, code), [409, 'conflict'], 'to approve')
  }
  return [
    row('is for nobody once a second device has asked for it', async (t, stage) => {
      const { server } = stage
      const phone = await somebody(server)
      const codes = [await door.make(server, { deviceId: 'laptop' }), await door.make(server, { deviceId: 'laptop' })]
      const [fresh, approved] = codes as [Code, Code]
      t.equal((await door.approve(server, phone, approved)).status, 200)
      for (const code of codes) {
        requireRefused(t, await door.login(server, code, 'thief'), OVER, 'the second')
        requireRefused(t, await door.login(server, code, 'laptop'), [403, 'forbidden'], 'the first')
      }
      await requireEnded(t, stage, phone, fresh)
      t.equal(await signInsOf(stage, phone), 0)
    }),
    row('of somebody is for none of many at once', async (t, stage) => {
      const { server } = stage
      const phone = await somebody(server)
      const code = await door.make(server, phone)
      const answers = await atOnce(async index => await door.login(server, code, `device-${index}`))
      t.same([countOf(answers, 409), countOf(answers, 401)], [1, answers.length - 1])
      await requireEnded(t, stage, phone, code)
      const again = await atOnce(async index => await door.login(server, code, `device-${index}`))
      t.same([countOf(again, 403), countOf(again, 401)], [1, again.length - 1])
      t.equal(await signInsOf(stage, phone), 0)
    })
  ]
}

function misused(door: Door): Row[] {
  const row = (what: string, run: Row['run']): Row => ({ face: door.face, what: `a picture ${what}`, run })
  return [
    ...(door === canonical ? boundBySecret(door) : endedBySecond(door)),
    row('is over with its time', async (t, { server, db }) => {
      const phone = await somebody(server)
      const codes = [await door.make(server, { deviceId: 'laptop' }), await door.make(server, { deviceId: 'laptop' })]
      const [fresh, approved] = codes as [Code, Code]
      t.equal((await door.approve(server, phone, approved)).status, 200)
      await db.collection('qrLogins').updateMany({}, { $set: { expiresAt: new Date(Date.now() - 1) } })
      requireRefused(t, await door.approve(server, phone, fresh), UNKNOWN, 'to approve')
      for (const code of codes) {
        requireRefused(t, await door.login(server, code, 'laptop'), OVER, 'to sign in')
        // The database removes it when it comes by.
        const { status, body } = await door.look(server, phone, code)
        t.ok(status === 404 || body.status === 'expired', `it is over: ${status} ${body.status}`)
      }
    })
  ]
}

export const QR: readonly Row[] = DOORS.flatMap(door => [
  ...DOORS.flatMap(other => usedAgain(door, other)),
  ...misused(door),
  ...strangers(door)
])
