import t, { type Test } from 'tap'
import { setClock } from '../kit/clock.ts'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, openServices } from '../kit/helper.ts'

const HOME = '203.0.113.1'
const STRANGER = '198.51.100.7'
const WRONG = 'unauthenticated'
const LIMITED = 'rate_limited'
let numbers = 412_345_000

function newPhone(): string {
  numbers += 1
  return `+4915${numbers}`
}

/** Another code than the one given. */
const other = (code: string, by = 1): string => String((Number(code) + by) % 1_000_000).padStart(6, '0')

interface Sent {
  readonly requestId: string
  readonly code: string
}

/** Requests and tries of codes to register, from different addresses. */
async function openCodes(t: Test, env: Record<string, string> = {}) {
  const { otp, uri } = await openServices(t, { env })
  return {
    uri,
    ask: async (phone: string, ip: string): Promise<Sent> => {
      const { requestId, devCode: code = '' } = await otp.request({ purpose: 'register', phone }, { ip, isLocal: true })
      return { requestId, code }
    },
    /** What becomes of a try: `ok`, or the code of the refusal. */
    use: async (claim: { phone: string; code: string; requestId?: string }, ip: string): Promise<string> =>
      await otp.register(claim, ip).then(
        () => 'ok',
        ({ code }) => code
      )
  }
}

t.test('S13: wrong codes of strangers leave a code good, with its request and without', async t => {
  const { ask, use } = await openCodes(t)
  for (const isNamed of [true, false]) {
    const phone = newPhone()
    const { requestId, code } = await ask(phone, HOME)
    for (let network = 0; network < 20; network++) {
      for (let tried = 1; tried <= 6; tried++) {
        const answer = await use({ phone, code: other(code, tried) }, `198.51.100.${network}`)
        t.ok([WRONG, LIMITED].includes(answer))
      }
    }
    t.equal(await use({ phone, code, ...(isNamed ? { requestId } : {}) }, HOME), 'ok')
  }
})

t.test(
  'S13: behind the same address a stranger’s wrong codes make who names no request wait, and nobody else',
  async t => {
    const { ask, use } = await openCodes(t)
    const pass = setClock(t, { isStopped: false })
    const phone = newPhone()
    const { code } = await ask(phone, HOME)
    const { requestId, code: second } = await ask(phone, HOME)
    for (let tried = 1; tried <= 5; tried++) t.equal(await use({ phone, code: other(code, tried) }, HOME), WRONG)
    t.equal(await use({ phone, code }, HOME), LIMITED, 'the first one beyond')
    const neighbour = newPhone()
    t.equal(await use({ phone: neighbour, code: (await ask(neighbour, HOME)).code }, HOME), 'ok', 'another number')
    t.equal(await use({ phone, code: second, requestId }, HOME), 'ok', 'a request has tries of its own')
    pass(120_000)
    t.equal(await use({ phone, code }, HOME), 'ok', 'the moment after')
  }
)

t.test('S13: a request has five tries, also at once, and another request has its own', async t => {
  const { ask, use } = await openCodes(t)
  const phone = newPhone()
  const [first, second] = [await ask(phone, STRANGER), await ask(phone, HOME)]
  const wrong = Array.from({ length: 5 }, async (_, index) =>
    use({ phone, ...first, code: other(first.code, index + 1) }, STRANGER)
  )
  t.same(new Set(await Promise.all(wrong)), new Set([WRONG]))
  t.equal(await use({ phone, ...first }, STRANGER), WRONG, 'the sixth one')
  for (let tried = 1; tried <= 4; tried++) {
    t.equal(await use({ phone, ...second, code: other(second.code, tried) }, HOME), WRONG)
  }
  t.equal(await use({ phone, ...second }, HOME), 'ok', 'the fifth one of the other')
})

t.test('S13: a request is for its own code, number and purpose', async t => {
  const { ask, use } = await openCodes(t)
  const [phone, another] = [newPhone(), newPhone()]
  const [first, second, foreign] = [await ask(phone, HOME), await ask(phone, HOME), await ask(another, HOME)]
  t.equal(await use({ phone, requestId: foreign.requestId, code: first.code }, HOME), WRONG)
  t.equal(await use({ phone: another, requestId: first.requestId, code: first.code }, HOME), WRONG)
  t.equal(await use({ phone, requestId: 'x'.repeat(22), code: first.code }, HOME), WRONG)
  if (first.code !== second.code) t.equal(await use({ phone, ...first, code: second.code }, HOME), WRONG)
  t.equal(await use({ phone, ...first }, HOME), 'ok')
})

t.test('S13: a code on its way stays good whoever asks for more, and from another network too', async t => {
  const { ask, use } = await openCodes(t)
  const phone = newPhone()
  const mine = await ask(phone, HOME)
  for (let network = 0; network < 10; network++) {
    for (let asked = 0; asked < 3; asked++) await ask(phone, `198.51.100.${network}`)
  }
  t.equal(await use({ phone, code: mine.code }, HOME), 'ok', 'without its request, where it was asked for')
  const next = await ask(phone, HOME)
  t.equal(await use({ phone, code: next.code }, '203.0.113.200'), 'ok', 'the newest one anywhere')
  const named = await ask(phone, HOME)
  await ask(phone, '198.51.100.77')
  t.equal(await use({ phone, ...named }, '203.0.113.201'), 'ok', 'with its request anywhere')
})

t.test(
  'S13: strangers have few tries together, and where a code was asked for, or used before, they are not counted',
  async t => {
    const { ask, use } = await openCodes(t)
    const phone = newPhone()
    const visited = '203.0.113.9'
    t.equal(await use({ phone, code: (await ask(phone, visited)).code }, visited), 'ok')
    const { code } = await ask(phone, HOME)
    let compared = 0
    for (let network = 0; network < 60; network++) {
      if ((await use({ phone, code: other(code, network + 1) }, `198.51.100.${network}`)) === WRONG) compared += 1
    }
    t.equal(compared, 50)
    t.equal(await use({ phone, code }, '198.51.100.99'), LIMITED, 'the first one beyond')
    const neighbour = newPhone()
    t.equal(await use({ phone: neighbour, code: '000000' }, '198.51.100.99'), WRONG, 'another number')
    t.equal(await use({ phone, code: other(code, 70) }, visited), WRONG, 'compared')
    t.equal(await use({ phone, code }, HOME), 'ok')
  }
)

t.test('S13: the database keeps neither a code nor a network that can be read', async t => {
  const { ask, uri } = await openCodes(t)
  const phone = newPhone()
  const { requestId, code } = await ask(phone, HOME)
  const otps = (await openDatabase(t, uri)).db().collection<{ _id: string }>('otps')
  const kept = JSON.stringify(await otps.findOne({ _id: requestId }))
  t.match(kept, phone)
  for (const secret of [code, HOME]) t.notMatch(kept, secret)
})

t.test('S13: every app gets the id of its request, known number or not, and may leave it out', async t => {
  const server = await joinServer(t)
  const call = async (path: string, body: object, token?: string) =>
    await server.call(token === undefined ? undefined : { token }, 'POST', path, body)
  for (const root of ['', '/unified']) {
    for (const isNamed of [true, false]) {
      const phone = newPhone()
      const claimOf = ({ requestId, devCode }: { requestId: string; devCode: string }) => ({
        phone,
        otp: devCode,
        ...(isNamed ? { requestId } : {})
      })
      const unknown = (await call(`${root}/auth/send-otp-login`, { phone })).body.data
      t.match(unknown.requestId, /^[\w-]{22}$/)
      const sent = (await call(`${root}/auth/send-otp`, { phone })).body.data
      t.same(Object.keys(sent), Object.keys(unknown))
      t.equal((await call(`${root}/auth/verify-otp-register`, claimOf(sent))).status, 200)
      const login = (await call(`${root}/auth/send-otp-login`, { phone })).body.data
      const wrong = { ...claimOf(login), requestId: sent.requestId }
      t.equal((await call(`${root}/auth/verify-otp-login`, wrong)).status, 401, 'of another request')
      t.equal((await call(`${root}/auth/verify-otp-login`, { ...claimOf(login), requestId: 7 })).status, 400)
      t.equal((await call(`${root}/auth/verify-otp-login`, claimOf(login))).status, 200)
      const reset = (await call('/v1/auth/otp', { purpose: 'reset', phone })).body
      const { otp: code, ...rest } = claimOf(reset)
      t.equal(
        (await call('/v1/auth/password/reset', { code, ...rest, newPassword: 'a new horse battery' })).status,
        204
      )
    }
  }
  const { accessToken: token } = await server.signUp()
  for (const [note, prove] of [
    ['/v1/users/me/addresses', '/v1/users/me/addresses/verify'],
    ['/v1/users/me/addresses', '/mobile/users/me/verify-otp']
  ] as const) {
    const phone = newPhone()
    const { requestId, devCode } = (await call(note, { phone }, token)).body
    const claim = prove.startsWith('/v1') ? { phone, code: devCode } : { phone, otp: devCode }
    t.equal((await call(prove, { ...claim, requestId: 'another' }, token)).status, 401)
    t.equal((await call(prove, { ...claim, requestId }, token)).status, 200, prove)
  }
})
