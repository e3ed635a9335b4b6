import jsQR from 'jsqr'
import { PNG } from 'pngjs'
import t, { type Test } from 'tap'
import type { Device } from '../../protocol/users/entities.ts'
import { openDatabase } from '../kit/databases.ts'
import { newDatabase, openServices, ownDatabase, PASSWORD } from '../kit/helper.ts'

const IP = '198.51.100.7'
const LAPTOP: Device = { id: 'laptop-1', platform: 'web', name: 'Firefox' }
const NO_CODE = { code: 'not_found' }
const NOT_VALID = { code: 'unauthenticated', message: 'The code is not valid' }
const PENDING = { code: 'approval_pending', retryAfterMs: Number }
/** Secret that a device makes up for a code of somebody. */
const SECRET = 's'.repeat(43)
/** Laptop, or another device, as it presents a code. */
const by = (secret = SECRET, device = LAPTOP) => ({ device, proof: { kind: 'secret', text: secret } as const })
const SECOND = by('o'.repeat(43), { id: 'second' })
let people = 0

/** Services, somebody on their phone, and the codes as the database has them. */
async function scene(t: Test, uri = ownDatabase(t)) {
  const services = await openServices(t, { uri })
  const codes = (await openDatabase(t, services.uri)).db().collection('qrLogins')
  return { ...services, codes, phone: await signUp(services) }
}

/** Sign up a new person, as the actor of a phone. */
async function signUp({ auth }: Pick<Awaited<ReturnType<typeof openServices>>, 'auth'>) {
  people += 1
  const { userId, sessionId } = await auth.register({ username: `person${people}`, password: PASSWORD }, IP)
  return { userId, sessionId, expiresAt: Date.now() + 3_600_000 }
}

/** Another two digits. */
const other = (matchCode = ''): string => String((Number(matchCode) + 1) % 100).padStart(2, '0')

t.test('a device that is signed out shows a code, and the phone lets it in', async t => {
  const { qr, phone, sessions } = await scene(t)
  const { token, matchCode, deviceSecret, status } = await qr.create({ device: LAPTOP, ip: IP })
  t.equal(status, 'pending')
  t.match(matchCode, /^\d\d$/)
  await t.rejects(qr.login(token, by(deviceSecret)), PENDING)
  t.match(await qr.status(token, { actor: phone }), {
    status: 'pending',
    matchCode,
    device: { platform: 'web', name: 'Firefox' }
  })
  t.notMatch(
    JSON.stringify(await qr.status(token, { actor: phone })),
    LAPTOP.id,
    'the id that the code is bound to is not told'
  )
  t.match(await qr.approve(phone, token, matchCode), { status: 'approved' })
  t.match(await qr.status(token, { actor: null, deviceSecret }), { status: 'approved', matchCode })
  const signIn = await qr.login(token, by(deviceSecret))
  t.equal(signIn.userId, phone.userId)
  await t.resolves(sessions.requireLiveSession(signIn))
  t.match(await sessions.list(phone), [{ device: LAPTOP }, {}])
  t.match(await qr.status(token, { actor: phone }), { status: 'used' })
  await t.rejects(qr.login(token, by(deviceSecret)), NOT_VALID, 'once')
})

t.test('a phone shows a code, the first device that presents it waits, and the phone lets it in', async t => {
  const { qr, phone } = await scene(t)
  const { token, matchCode } = await qr.create({ actor: phone, ip: IP })
  t.equal(matchCode, undefined, 'there is nothing to compare before there is a device')
  await t.rejects(qr.approve(phone, token), { code: 'conflict' }, 'nor to approve')
  await t.rejects(qr.login(token, by()), PENDING)
  const seen = await qr.status(token, { actor: phone })
  t.match(seen, { status: 'scanned', matchCode: /^\d\d$/, device: { name: 'Firefox' } })
  t.equal((await qr.status(token, { actor: null, deviceSecret: SECRET })).matchCode, seen.matchCode)
  await t.rejects(qr.login(token, SECOND), NOT_VALID, 'the second device')
  await t.rejects(qr.status(token, { actor: null, deviceSecret: SECOND.proof.text }), NO_CODE)
  await qr.approve(phone, token, seen.matchCode)
  await t.rejects(qr.login(token, SECOND), NOT_VALID)
  t.equal((await qr.login(token, by())).userId, phone.userId)
})

t.test('a code of a person is approved and refused by nobody else, and bound to one of many devices', async t => {
  const it = await scene(t)
  const { qr, phone } = it
  const { token } = await qr.create({ actor: phone, ip: IP })
  const eve = await signUp(it)
  const ids = Array.from({ length: 20 }, (_, index) => `device-${index}`)
  const results = await Promise.allSettled(ids.map(id => qr.login(token, by(SECRET, { id }))))
  const reasons = results.map(result => (result.status === 'rejected' ? result.reason.code : 'in'))
  t.equal(reasons.filter(code => code === 'approval_pending').length, 1)
  t.equal(reasons.filter(code => code === 'unauthenticated').length, 19)
  await t.rejects(qr.approve(eve, token), NO_CODE)
  await t.rejects(qr.refuse(eve, token), NO_CODE)
  t.match(await qr.status(token, { actor: phone }), { status: 'scanned' })
})

t.test('approving twice at once is approving once, and two people cannot both', async t => {
  const it = await scene(t)
  const { qr, phone } = it
  const eve = await signUp(it)
  const first = await qr.create({ device: LAPTOP, ip: IP })
  const twice = await Promise.all([1, 2].map(() => qr.approve(phone, first.token, first.matchCode)))
  t.same(twice[0], twice[1])
  await qr.login(first.token, by(first.deviceSecret))
  t.match(await qr.approve(phone, first.token, first.matchCode), { status: 'used' }, 'a late repeat changes nothing')
  const second = await qr.create({ device: LAPTOP, ip: IP })
  const both = await Promise.allSettled([phone, eve].map(actor => qr.approve(actor, second.token, second.matchCode)))
  t.same(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const winner = both[0]?.status === 'fulfilled' ? phone : eve
  t.equal((await qr.login(second.token, by(second.deviceSecret))).userId, winner.userId)
})

t.test('twenty logins at once make one session', async t => {
  const { qr, phone, sessions } = await scene(t)
  const { token, matchCode, deviceSecret } = await qr.create({ device: LAPTOP, ip: IP })
  await qr.approve(phone, token, matchCode)
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => qr.login(token, by(deviceSecret))))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const result of results) if (result.status === 'rejected') t.match(result.reason, NOT_VALID)
  t.equal((await sessions.list(phone)).length, 2, 'the phone and the laptop')
})

t.test('a wrong match code lets nobody in, and the third ends the code', async t => {
  const { qr, phone } = await scene(t)
  const { token, matchCode } = await qr.create({ device: LAPTOP, ip: IP })
  for (let tried = 0; tried < 2; tried++) {
    await t.rejects(qr.approve(phone, token, other(matchCode)), { code: 'forbidden' })
    t.match(await qr.status(token, { actor: phone }), { status: 'pending' })
  }
  await t.rejects(qr.approve(phone, token, other(matchCode)), { code: 'forbidden' })
  t.match(await qr.status(token, { actor: phone }), { status: 'refused' })
  await t.rejects(qr.approve(phone, token, matchCode), { code: 'conflict' })
})

t.test('a refused device is told so, whatever was before', async t => {
  const { qr, phone } = await scene(t)
  const shown = await qr.create({ device: LAPTOP, ip: IP })
  t.match(await qr.refuse(phone, shown.token), { status: 'refused' })
  t.match(await qr.refuse(phone, shown.token), { status: 'refused' }, 'a repeat')
  await t.rejects(qr.login(shown.token, by(shown.deviceSecret)), { code: 'forbidden' })
  const approved = await qr.create({ device: LAPTOP, ip: IP })
  await qr.approve(phone, approved.token, approved.matchCode)
  await qr.refuse(phone, approved.token)
  await t.rejects(qr.login(approved.token, by(approved.deviceSecret)), { code: 'forbidden' }, 'taken back in time')
  const own = await qr.create({ actor: phone, ip: IP })
  await t.rejects(qr.login(own.token, by()), PENDING)
  await qr.refuse(phone, own.token)
  await t.rejects(qr.login(own.token, by()), { code: 'forbidden' })
})

t.test('an expired code does nothing although the database still has it', async t => {
  const { qr, phone, codes } = await scene(t, newDatabase(t))
  const indexes = await codes.indexes()
  const expiring = indexes.find(({ key, expireAfterSeconds }) => key['expiresAt'] === 1 && expireAfterSeconds === 0)
  t.ok(expiring, 'the database takes it away in its own time')
  await codes.dropIndex(expiring?.name ?? '')
  const expire = async () => await codes.updateMany({}, { $set: { expiresAt: new Date(Date.now() - 1) } })
  const { token, matchCode } = await qr.create({ device: LAPTOP, ip: IP })
  await expire()
  t.match(await qr.status(token, { actor: phone }), { status: 'expired' })
  await t.rejects(qr.approve(phone, token, matchCode), NO_CODE)
  await t.rejects(qr.refuse(phone, token), NO_CODE)
  await t.rejects(qr.image(token, IP), NO_CODE)
  const approved = await qr.create({ device: LAPTOP, ip: IP })
  await qr.approve(phone, approved.token, approved.matchCode)
  const own = await qr.create({ actor: phone, ip: IP })
  await expire()
  await t.rejects(qr.login(approved.token, by(approved.deviceSecret)), NOT_VALID, 'also when it was approved')
  await t.rejects(qr.login(own.token, by()), NOT_VALID)
  t.match(await qr.status(own.token, { actor: phone }), { status: 'expired' }, 'and it was not bound')
})

t.test('an approval ends with the session that gave it', async t => {
  const it = await scene(t)
  const { qr, phone, sessions } = it
  const { token, matchCode, deviceSecret } = await qr.create({ device: LAPTOP, ip: IP })
  await qr.approve(phone, token, matchCode)
  await sessions.revokeAll(phone)
  await t.rejects(qr.login(token, by(deviceSecret)), NOT_VALID)
  t.same(await sessions.list(phone), [])
})

t.test('tokens are not in the database, and what is none finds nothing', async t => {
  const { qr, phone, codes } = await scene(t)
  const { token } = await qr.create({ actor: phone, ip: IP })
  t.match(token, /^[A-Za-z0-9_-]{43}$/)
  t.notMatch(JSON.stringify(await codes.find().toArray()), token)
  for (const bad of ['', 'x', token.slice(1), `${token}A`, 'A'.repeat(43)]) {
    await t.rejects(qr.status(bad, { actor: phone }), NO_CODE)
    await t.rejects(qr.approve(phone, bad), NO_CODE)
    await t.rejects(qr.login(bad, by()), NOT_VALID)
  }
  await t.rejects(qr.create({ ip: IP }), { code: 'invalid' })
})

t.test('waiting hears of a change made here, and of one made by another process', async t => {
  const { qr, phone, uri } = await scene(t)
  const elsewhere = await openServices(t, { uri })
  for (const { qr: there } of [{ qr }, elsewhere]) {
    const { token, matchCode, deviceSecret } = await qr.create({ device: LAPTOP, ip: IP })
    const waiting = qr.wait(token, { actor: null, deviceSecret }, new AbortController().signal, 'pending')
    await there.approve(phone, token, matchCode)
    t.match(await waiting, { status: 'approved' })
  }
  const { token } = await qr.create({ actor: phone, ip: IP })
  const stopped = new AbortController()
  const waiting = qr.wait(token, { actor: phone }, stopped.signal)
  stopped.abort()
  await t.rejects(waiting, { name: 'AbortError' })
  await t.rejects(qr.wait('A'.repeat(43), { actor: phone }, new AbortController().signal), NO_CODE)
})

t.test('the pictures hold the code', async t => {
  const { qr, phone } = await scene(t)
  const { token, url } = await qr.create({ actor: phone, ip: IP })
  t.equal(url, `parley:qr:${token}`)
  const { type, content } = await qr.image(token, IP)
  t.equal(type, 'image/png')
  const { data, width, height } = PNG.sync.read(content)
  t.equal(jsQR.default(new Uint8ClampedArray(data), width, height)?.data, url)
  const svg = await qr.image(token, IP, 'svg')
  t.match(svg.type, 'image/svg+xml')
  t.match(svg.content.toString(), /^<svg.*<\/svg>\s*$/s)
  t.match((await qr.image(token, IP, 'terminal')).content.toString(), /▄/)
  await qr.refuse(phone, token)
  await t.rejects(qr.image(token, IP), NO_CODE, 'not of a code that is over')
})
