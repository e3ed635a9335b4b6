import t from 'tap'
import { openServices } from '../kit/helper.ts'

const IP = '198.51.100.7'
const ASKER = { ip: IP, isLocal: true }
const WRONG = { code: 'unauthenticated', message: 'The code is wrong or has expired' }
let numbers = 212_345_000

/** A number that nobody has. */
function newPhone(): string {
  numbers += 1
  return `+4915${numbers}`
}

t.test('caps', async t => {
  await t.test('per number: three a minute, whatever for', async t => {
    const { otp } = await openServices(t)
    const phone = newPhone()
    for (const purpose of ['register', 'login', 'reset'] as const) await otp.request({ purpose, phone }, ASKER)
    const refused = await otp.request({ purpose: 'login', phone }, ASKER).catch((error: unknown) => error)
    t.match(refused, { code: 'rate_limited' })
    const { retryAfterMs = 0 } = refused as { retryAfterMs?: number }
    t.ok(retryAfterMs > 0 && retryAfterMs <= 60_000, String(retryAfterMs))
    await t.resolves(otp.request({ purpose: 'login', phone: newPhone() }, ASKER))
  })

  await t.test('per number and hour, per number and day', async t => {
    for (const [name, limit] of [
      ['HOUR', 5],
      ['DAY', 15]
    ] as const) {
      const env = { LIMITS_CODES_PER_MINUTE: '100', ...(name === 'DAY' ? { LIMITS_CODES_PER_HOUR: '100' } : {}) }
      const { otp } = await openServices(t, { env })
      const phone = newPhone()
      for (let asked = 0; asked < limit; asked++) await otp.request({ purpose: 'login', phone }, ASKER)
      await t.rejects(otp.request({ purpose: 'login', phone }, ASKER), { code: 'rate_limited' }, name)
    }
  })

  await t.test('per address, and what is refused counts for no number', async t => {
    const { otp } = await openServices(t, { env: { LIMITS_CODES_PER_ADDRESS_PER_HOUR: '2' } })
    const phone = newPhone()
    await otp.request({ purpose: 'login', phone: newPhone() }, { ...ASKER, ip: '2001:db8:1:2::1' })
    await otp.request({ purpose: 'login', phone: newPhone() }, { ...ASKER, ip: '2001:db8:1:2::2' })
    for (let asked = 0; asked < 4; asked++) {
      await t.rejects(otp.request({ purpose: 'login', phone }, { ...ASKER, ip: '2001:db8:1:2::3' }), {
        code: 'rate_limited'
      })
    }
    for (let asked = 0; asked < 2; asked++) await t.resolves(otp.request({ purpose: 'login', phone }, ASKER))
  })

  await t.test('per block of numbers', async t => {
    const { otp } = await openServices(t, { env: { LIMITS_CODES_PER_PREFIX_PER_DAY: '2' } })
    const ask = async (phone: string) => await otp.request({ purpose: 'register', phone }, ASKER)
    await ask('+4915123450001')
    await ask('+4915123450002')
    await t.rejects(ask('+4915123450003'), { code: 'rate_limited' })
    await t.resolves(ask('+4915123460003'))
  })

  await t.test('wrong codes per address', async t => {
    const { otp } = await openServices(t, { env: { LIMITS_PASSWORD_TRIES_PER_ADDRESS: '2' } })
    for (let tried = 0; tried < 2; tried++) {
      await t.rejects(otp.login({ phone: newPhone(), code: '000000' }, IP), WRONG)
    }
    await t.rejects(otp.login({ phone: newPhone(), code: '000000' }, IP), { code: 'rate_limited' })
  })
})

t.test('a server that mails codes refuses phone numbers, known or not', async t => {
  const env = { OTP_DELIVERY: 'smtp', SMTP_URL: 'smtp://127.0.0.1:1', MAIL_FROM: 'chat@parley.example' }
  const { otp } = await openServices(t, { env })
  for (const purpose of ['register', 'login'] as const) {
    await t.rejects(otp.request({ purpose, phone: newPhone() }, ASKER), { code: 'invalid' })
  }
})
