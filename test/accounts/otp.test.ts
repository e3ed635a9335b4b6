import t, { type Test } from 'tap'
import { CODE_MS } from '../../src/accounts/codes/codes.ts'
import type { Subjects } from '../../src/app.ts'
import { openDatabase } from '../kit/databases.ts'
import { openServices, PASSWORD } from '../kit/helper.ts'
import { startWebhookGateway, WEBHOOK_SECRET } from './delivery/webhook-gateway.ts'

const IP = '198.51.100.7'
const ASKER = { ip: IP, isLocal: true }
const WRONG = { code: 'unauthenticated', message: 'The code is wrong or has expired' }
const COUNTRY = '+4915'
let numbers = 112_345_000

/** A number that nobody has. */
function newPhone(): string {
  numbers += 1
  return `${COUNTRY}${numbers}`
}

/** A code for somebody, as development shows it. */
async function codeFor(
  { otp }: Pick<Subjects, 'otp'>,
  purpose: 'register' | 'login' | 'reset',
  phone: string
): Promise<string> {
  const { devCode = '' } = await otp.request({ purpose, phone }, ASKER)
  return devCode
}

/** Another code than the one given. */
const other = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0')

/** Register a person by a code. */
async function newcomer(services: Subjects, fields: object = {}) {
  const phone = newPhone()
  const code = await codeFor(services, 'register', phone)
  return { phone, signIn: await services.otp.register({ phone, code, ...fields }, IP) }
}

t.test('codes', async t => {
  const services = await openServices(t)
  const { otp, auth, store, uri } = services
  const db = (await openDatabase(t, uri)).db()

  await t.test('a right code makes an account whose number is proved; a second one signs it in', async t => {
    const { phone, signIn } = await newcomer(services, { displayName: 'Ada', username: 'ada', device: { id: 'd1' } })
    t.match(signIn.user, { displayName: 'Ada', username: 'ada', phone })
    t.match(await db.collection('users').findOne({ phone }), { phoneVerifiedAt: Date })
    const again = await otp.register({ phone, code: await codeFor(services, 'register', phone), displayName: 'X' }, IP)
    t.equal(again.userId, signIn.userId)
    t.equal(again.user.displayName, 'Ada')
    const third = await otp.login({ phone: `00${phone.slice(1)}`, code: await codeFor(services, 'login', phone) }, IP)
    t.equal(third.userId, signIn.userId, 'however the number is spelled')
  })

  await t.test('a code is kept only as a digest, with its end', async t => {
    const phone = newPhone()
    const code = await codeFor(services, 'register', phone)
    const kept = await db.collection<{ use: string; expiresAt: Date }>('otps').findOne({ use: `register:sms:${phone}` })
    t.match(code, /^\d{6}$/)
    t.notMatch(JSON.stringify(kept), code)
    const left = (kept?.expiresAt.getTime() ?? 0) - Date.now()
    t.ok(left <= CODE_MS && left > CODE_MS - 60_000)
    const indexes = await db.collection('otps').indexes()
    t.ok(indexes.some(({ key, expireAfterSeconds }) => key['expiresAt'] === 1 && expireAfterSeconds === 0))
  })

  await t.test('a code works once, and twenty at once make one session', async t => {
    const phone = newPhone()
    const { requestId, devCode: code = '' } = await otp.request({ purpose: 'register', phone }, ASKER)
    const claim = { phone, code, requestId }
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => otp.register(claim, IP)))
    const signedIn = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    t.equal(signedIn.length, 1)
    for (const result of results) if (result.status === 'rejected') t.match(result.reason, WRONG)
    const user = await db.collection('users').findOne({ phone })
    t.equal(await db.collection('sessions').countDocuments({ userId: user?._id }), 1)
    await t.rejects(otp.register({ phone, code }, IP), WRONG, 'and not once more')
  })

  await t.test('an expired code is wrong although the database still has it', async t => {
    const { phone } = await newcomer(services)
    const code = await codeFor(services, 'login', phone)
    const expiresAt = new Date(Date.now() - 1)
    await db.collection('otps').updateOne({ use: `login:sms:${phone}` }, { $set: { expiresAt } })
    await t.rejects(otp.login({ phone, code }, IP), WRONG)
  })

  await t.test('a code is for its purpose and its number only', async t => {
    const [a, b] = [await newcomer(services), await newcomer(services)]
    const code = await codeFor(services, 'login', a.phone)
    await codeFor(services, 'login', b.phone)
    await t.rejects(otp.register({ phone: a.phone, code }, IP), WRONG)
    await t.rejects(auth.resetPassword({ phone: a.phone, code, newPassword: PASSWORD }, IP), WRONG)
    await t.resolves(otp.login({ phone: a.phone, code }, IP))
  })

  await t.test('a code for somebody unknown opens nothing, also when they register before it ends', async t => {
    const phone = newPhone()
    const code = await codeFor(services, 'login', phone)
    await t.rejects(otp.login({ phone, code }, IP), WRONG)
    await otp.register({ phone, code: await codeFor(services, 'register', phone) }, IP)
    await t.rejects(otp.login({ phone, code }, IP), WRONG)
  })

  await t.test('a taken username refuses without using the code up', async t => {
    const phone = newPhone()
    const { requestId, devCode: code = '' } = await otp.request({ purpose: 'register', phone }, ASKER)
    await newcomer(services, { username: 'taken' })
    for (const id of [undefined, requestId]) {
      const claim = { phone, code, ...(id === undefined ? {} : { requestId: id }) }
      for (let tried = 0; tried < 6; tried++) {
        await t.rejects(otp.register({ ...claim, username: 'Taken' }, IP), { code: 'conflict' })
      }
    }
    await t.resolves(otp.register({ phone, code, requestId, username: 'free' }, IP))
  })

  await t.test('a disabled account: a code that opens nothing', async t => {
    const { phone, signIn } = await newcomer(services)
    await db.collection('users').updateOne({ phone }, { $set: { isDisabled: true } })
    await t.rejects(otp.login({ phone, code: await codeFor(services, 'login', phone) }, IP), WRONG)
    const code = await codeFor(services, 'register', phone)
    await t.rejects(otp.register({ phone, code }, IP), { code: 'account_disabled' })
    t.equal((await store.users.findByKey({ phone }))?._id.toHexString(), signIn.userId)
  })

  await t.test('a secret that is being rotated out still recognises its codes', async t => {
    const { phone } = await newcomer(services)
    const code = await codeFor(services, 'login', phone)
    const rotated = await openServices(t, {
      uri,
      env: { JWT_SECRET: `${'another-secret-for-tests-that-is-long'},${services.config.JWT_SECRET}` }
    })
    await t.resolves(rotated.otp.login({ phone, code }, IP))
  })
})

t.test('passwords', async t => {
  const services = await openServices(t)
  const { otp, auth, sessions } = services
  const NEW = 'another horse battery'
  const actorOf = (signIn: { userId: string; sessionId: string }) => ({ ...signIn, expiresAt: Date.now() + 1_000 })

  await t.test('a change needs the current one and ends the other sessions', async t => {
    const { phone, signIn } = await newcomer(services, { password: PASSWORD })
    const elsewhere = await auth.login({ phone, password: PASSWORD }, IP)
    await t.rejects(auth.changePassword(actorOf(signIn), { newPassword: NEW }), { code: 'invalid' })
    const wrong = { currentPassword: 'wrong', newPassword: NEW }
    await t.rejects(auth.changePassword(actorOf(signIn), wrong), { code: 'forbidden' })
    await auth.changePassword(actorOf(signIn), { currentPassword: PASSWORD, newPassword: NEW })
    await t.resolves(sessions.requireLiveSession(signIn))
    await t.rejects(sessions.requireLiveSession(elsewhere), { code: 'session_revoked' })
    await t.rejects(auth.login({ phone, password: PASSWORD }, IP), { code: 'unauthenticated' })
    await t.resolves(auth.login({ phone, password: NEW }, IP))
  })

  await t.test('who has none may set one, and of two changes at once one counts', async t => {
    const { phone, signIn } = await newcomer(services)
    const words = [`${NEW} 1`, `${NEW} 2`]
    const results = await Promise.allSettled(
      words.map(newPassword => auth.changePassword(actorOf(signIn), { newPassword }))
    )
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    const logins = await Promise.allSettled(words.map(password => auth.login({ phone, password }, IP)))
    t.equal(logins.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  await t.test('guesses of the current password are limited', async t => {
    const { signIn } = await newcomer(services, { password: PASSWORD })
    const guess = () => auth.changePassword(actorOf(signIn), { currentPassword: 'wrong', newPassword: NEW })
    for (let tried = 0; tried < 10; tried++) await t.rejects(guess(), { code: 'forbidden' })
    await t.rejects(guess(), { code: 'rate_limited' })
  })

  await t.test('a reset by a code ends every session; the code works once', async t => {
    const { phone, signIn } = await newcomer(services, { password: PASSWORD })
    const code = await codeFor(services, 'reset', phone)
    await t.rejects(auth.resetPassword({ phone, code: other(code), newPassword: NEW }, IP), WRONG)
    await t.rejects(auth.resetPassword({ phone, code, newPassword: phone }, IP), { code: 'invalid' })
    await auth.resetPassword({ phone, code, newPassword: NEW }, IP)
    await t.rejects(sessions.requireLiveSession(signIn), { code: 'session_revoked' })
    await t.rejects(auth.resetPassword({ phone, code, newPassword: PASSWORD }, IP), WRONG)
    await t.resolves(auth.login({ phone, password: NEW }, IP))
    await t.rejects(otp.login({ phone, code }, IP), WRONG)
  })
})

/** Subjects whose codes go to a gateway. */
async function withGateway(t: Test) {
  const gateway = await startWebhookGateway(t)
  const env = { OTP_DELIVERY: 'webhook', OTP_WEBHOOK_URL: gateway.url, OTP_WEBHOOK_SECRET: WEBHOOK_SECRET }
  return { gateway, services: await openServices(t, { env }) }
}

t.test('known or not: the same answer and the same work, and a code only for who is known', async t => {
  const { gateway, services } = await withGateway(t)
  const { otp, uri } = services
  const [known, unknown] = [newPhone(), newPhone()]
  await otp.request({ purpose: 'register', phone: known }, ASKER)
  await gateway.until(1)
  await otp.register({ phone: known, code: gateway.received[0]?.code ?? '' }, IP)
  const db = (await openDatabase(t, uri)).db()
  const answers: unknown[] = []
  const work: unknown[] = []
  for (const purpose of ['login', 'reset'] as const) {
    for (const phone of [unknown, known]) {
      await db.command({ profile: 2 })
      answers.push(await otp.request({ purpose, phone }, ASKER))
      await db.command({ profile: 0 })
      const ops = await db
        .collection('system.profile')
        .find({ appName: 'parley', ns: { $not: /\$cmd|system/ } })
        .toArray()
      work.push(ops.map(({ op, ns }) => `${op} ${ns}`))
      await db.dropCollection('system.profile')
    }
  }
  for (const answer of answers) t.match(answer, { requestId: /^[\w-]{22}$/, expiresInMs: CODE_MS })
  t.equal((work[0] as string[]).length, 2)
  for (const ops of work) t.same(ops, work[0])
  await gateway.until(3)
  t.same(
    gateway.received
      .map(({ to, purpose }) => [to, purpose])
      .slice(1)
      .sort(),
    [
      [known, 'login'],
      [known, 'reset']
    ]
  )
})

t.test('a gateway that is down is logged, and the request has been answered', async t => {
  const gateway = await startWebhookGateway(t)
  gateway.refuse()
  const env = { OTP_DELIVERY: 'webhook', OTP_WEBHOOK_URL: gateway.url, OTP_WEBHOOK_SECRET: WEBHOOK_SECRET }
  let told: (error: unknown) => void = () => undefined
  const failure = new Promise<unknown>(resolve => {
    told = resolve
  })
  const { otp } = await openServices(t, { env, onError: error => told(error) })
  t.match(await otp.request({ purpose: 'register', phone: newPhone() }, ASKER), { expiresInMs: CODE_MS })
  t.match(await failure, { name: 'DeliveryError' })
})
