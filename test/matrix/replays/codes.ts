import type { Test } from 'tap'
import { type Answer, PASSWORD, type TestServer } from '../../kit/helper.ts'
import { codeOf } from '../routes/table.ts'
import { atOnce, countOf, newPhone, type Row, type Stage } from './row.ts'

type Purpose = 'register' | 'login' | 'reset'

/** Requests of one app for a code, and to use it. */
interface Door {
  readonly face: string
  readonly purposes: readonly Purpose[]
  ask(server: TestServer, purpose: Purpose, phone: string): Promise<Answer>
  use(server: TestServer, purpose: Purpose, claim: { phone: string; code: string }): Promise<Answer>
}

const canonical: Door = {
  face: 'canonical',
  purposes: ['register', 'login', 'reset'],
  ask: async (server, purpose, phone) => await server.call(undefined, 'POST', '/v1/auth/otp', { purpose, phone }),
  use: async (server, purpose, claim) =>
    purpose === 'reset'
      ? await server.call(undefined, 'POST', '/v1/auth/password/reset', {
          ...claim,
          newPassword: 'another long secret'
        })
      : await server.call(undefined, 'POST', '/v1/auth/otp/verify', { ...claim, purpose })
}

const unified = (root: string): Door => ({
  face: `unified at ${root || '/'}`,
  purposes: ['register', 'login'],
  ask: async (server, purpose, phone) =>
    await server.call(undefined, 'POST', `${root}/auth/send-otp${purpose === 'login' ? '-login' : ''}`, { phone }),
  use: async (server, purpose, { phone, code }) =>
    await server.call(undefined, 'POST', `${root}/auth/verify-otp-${purpose}`, { phone, otp: code })
})

const DOORS = [canonical, unified(''), unified('/unified')]

/** Asks for a code. @returns it, as development shows it */
async function codeFor(door: Door, server: TestServer, purpose: Purpose, phone: string): Promise<string> {
  const { body } = await door.ask(server, purpose, phone)
  return (body.data ?? body).devCode
}

/** A number with an account, which has no session, where the purpose needs one. */
async function numberFor({ server, db }: Stage, purpose: Purpose): Promise<string> {
  const phone = newPhone()
  if (purpose === 'register') return phone
  await server.signUp({ phone, password: PASSWORD })
  await db.collection('sessions').deleteMany({ userId: await idOf(db, phone) })
  return phone
}

async function idOf(db: Stage['db'], phone: string) {
  return (await db.collection('users').findOne({ phone }))?._id
}

/** As after what each purpose does once: signing in opens a session, setting a password none. */
async function requireOnce(t: Test, { db }: Stage, purpose: Purpose, phone: string): Promise<void> {
  const sessions = await db.collection('sessions').countDocuments({ userId: await idOf(db, phone) })
  t.equal(sessions, purpose === 'reset' ? 0 : 1, 'sessions of the person')
  t.equal(await db.collection('users').countDocuments({ phone }), 1, 'accounts with the number')
}

function requireWrong(t: Test, { status, body, text }: Answer, what: string): void {
  t.equal(status, 401, `${what}: ${text}`)
  t.equal(codeOf(body), 'unauthenticated', what)
}

function rowsOf(door: Door, purpose: Purpose): Row[] {
  const granted = purpose === 'reset' ? 204 : 200
  const row = (what: string, run: Row['run']): Row => ({ face: door.face, what: `a code to ${purpose} ${what}`, run })
  const begin = async (stage: Stage) => {
    const phone = await numberFor(stage, purpose)
    return { phone, code: await codeFor(door, stage.server, purpose, phone) }
  }
  return [
    row('used twice opens once', async (t, stage) => {
      const claim = await begin(stage)
      t.equal((await door.use(stage.server, purpose, claim)).status, granted)
      requireWrong(t, await door.use(stage.server, purpose, claim), 'again')
      await requireOnce(t, stage, purpose, claim.phone)
    }),
    row('used ten times at once opens once', async (t, stage) => {
      const claim = await begin(stage)
      const answers = await atOnce(async () => await door.use(stage.server, purpose, claim))
      t.equal(countOf(answers, granted), 1)
      for (const answer of answers.filter(({ status }) => status !== granted)) requireWrong(t, answer, 'the others')
      await requireOnce(t, stage, purpose, claim.phone)
    }),
    row('is for nothing else', async (t, stage) => {
      const claim = await begin(stage)
      for (const other of DOORS) {
        for (const wrong of other.purposes.filter(it => it !== purpose)) {
          requireWrong(t, await other.use(stage.server, wrong, claim), `to ${wrong} at ${other.face}`)
        }
      }
      t.equal((await door.use(stage.server, purpose, claim)).status, granted, 'and still good')
    }),
    row('is for no other number', async (t, stage) => {
      const claim = await begin(stage)
      const other = await begin(stage)
      if (other.code === claim.code) return // one time in a million
      requireWrong(t, await door.use(stage.server, purpose, { ...other, code: claim.code }), 'for another number')
      requireWrong(t, await door.use(stage.server, purpose, { phone: newPhone(), code: claim.code }), 'for nobody’s')
      t.equal((await door.use(stage.server, purpose, claim)).status, granted, 'and still good')
    }),
    row('is as good as the next one', async (t, stage) => {
      const claim = await begin(stage)
      const next = await codeFor(door, stage.server, purpose, claim.phone)
      if (next === claim.code) return // one time in a million
      t.equal((await door.use(stage.server, purpose, claim)).status, granted, 'the former one')
      t.equal((await door.use(stage.server, purpose, { ...claim, code: next })).status, granted, 'the next one')
    })
  ]
}

/** A code is the same whatever app it is presented in. */
function sharedRow(purpose: 'register' | 'login'): Row {
  return {
    face: 'every app at once',
    what: `a code to ${purpose} opens once`,
    run: async (t, stage) => {
      const phone = await numberFor(stage, purpose)
      const code = await codeFor(canonical, stage.server, purpose, phone)
      const used = async (index: number) => {
        const door = DOORS[index % DOORS.length] ?? canonical
        return await door.use(stage.server, purpose, { phone, code })
      }
      t.equal(countOf(await atOnce(used), 200), 1)
      for (const door of DOORS) requireWrong(t, await door.use(stage.server, purpose, { phone, code }), door.face)
      await requireOnce(t, stage, purpose, phone)
    }
  }
}

export const CODES: readonly Row[] = [
  ...DOORS.flatMap(door => door.purposes.flatMap(purpose => rowsOf(door, purpose))),
  sharedRow('register'),
  sharedRow('login')
]
