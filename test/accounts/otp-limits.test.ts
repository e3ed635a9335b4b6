import t, { type Test } from 'tap'
import { DEFAULT_LIMITS, type Limits } from '../../protocol/limits.ts'
import { CodeCounts } from '../../src/accounts/codes/code-counts.ts'
import { OtpLimits } from '../../src/accounts/codes/otp-limits.ts'
import { signInName } from '../../src/accounts/sign-in-name.ts'
import { KnownNetworks } from '../../src/limits/known-networks.ts'
import { setClock } from '../kit/clock.ts'
import { openServices } from '../kit/helper.ts'

const HOUR_MS = 3_600_000
const HOME = '203.0.113.1'
const STRANGER = '198.51.100.7'
let numbers = 0

type Purpose = 'register' | 'login' | 'reset' | 'prove'

interface Asking {
  readonly purpose?: Purpose
  readonly userId?: string
}

/** A number that nobody has, in a block of its own unless told. */
function newPhone(block?: string): string {
  numbers += 1
  const digits = String(numbers).padStart(4, '0')
  return `${block ?? `+49151${digits}`}${digits}`
}

/** Limits with a clock that stands still. */
function openLimits(t: Test, changes: Partial<Limits> = {}) {
  const pass = setClock(t, { isStopped: true })
  const known = new KnownNetworks()
  const codeCounts = new CodeCounts()
  const limits = new OtpLimits({ config: { limits: { ...DEFAULT_LIMITS, ...changes } }, known, codeCounts })
  const request = (phone: string, ip: string, { purpose = 'login', userId }: Asking = {}) => ({
    purpose,
    target: { channel: 'sms', to: phone, key: { phone } } as const,
    ip,
    ...(userId === undefined ? {} : { userId })
  })
  return {
    pass,
    counts: codeCounts,
    know: (phone: string, ip: string) => known.add(signInName({ phone }), ip),
    giveBack: (phone: string, ip: string) => limits.giveBack(request(phone, ip)),
    /** How long to wait, ms, or 0 for what is let through. */
    ask: async (phone: string, ip: string, asking?: Asking): Promise<number> =>
      await limits.take(request(phone, ip, asking)).then(
        () => 0,
        ({ code, retryAfterMs }) => (code === 'rate_limited' ? retryAfterMs : -1)
      )
  }
}

/** How often somebody is let through who asks again and again, whenever they may, until the time is over. */
async function grantedWithin(
  { ask, pass }: Pick<ReturnType<typeof openLimits>, 'ask' | 'pass'>,
  phone: string,
  ip: string,
  timeMs: number
): Promise<number> {
  let granted = 0
  for (let leftMs = timeMs; leftMs > 0; ) {
    const waitMs = await ask(phone, ip)
    if (waitMs === 0) granted += 1
    const step = Math.min(waitMs, leftMs)
    pass(step)
    leftMs -= step
  }
  return granted
}

t.test('S13: a number: three a minute of a purpose, five an hour together, and seconds or minutes to wait', async t => {
  const { ask, pass } = openLimits(t)
  const phone = newPhone()
  for (let asked = 0; asked < 3; asked++) t.equal(await ask(phone, STRANGER), 0)
  t.equal(await ask(phone, STRANGER), 20_000, 'the first one beyond')
  t.equal(await ask(newPhone(), STRANGER), 0, 'another number')
  t.equal(await ask(phone, STRANGER, { purpose: 'register' }), 0, 'for something else')
  pass(20_000)
  t.equal(await ask(phone, STRANGER), 0, 'the moment after')
  t.equal(await ask(phone, STRANGER, { purpose: 'reset' }), 700_000, 'the sixth of an hour')
  pass(700_000)
  t.equal(await ask(phone, STRANGER, { purpose: 'reset' }), 0)
})

t.test('S13: a day: fifteen of one network, and whoever obeys is served within two hours', async t => {
  const limits = openLimits(t)
  const phone = newPhone()
  const granted = await grantedWithin(limits, phone, STRANGER, 23 * HOUR_MS)
  t.ok(granted > 15 && granted <= 30, `${granted}: a full bucket, and what is filled up`)
  const waitMs = await limits.ask(phone, STRANGER)
  t.ok(waitMs > 0 && waitMs <= 2 * HOUR_MS, String(waitMs))
  limits.pass(waitMs)
  t.equal(await limits.ask(phone, STRANGER), 0)
})

t.test('S13: whatever a stranger asks for, the owner of the number gets a code', async t => {
  const limits = openLimits(t)
  const phone = newPhone()
  t.ok((await grantedWithin(limits, phone, STRANGER, 3 * HOUR_MS)) >= 15)
  t.equal(await limits.ask(phone, HOME), 0, 'where they have never been')
  const site = newPhone()
  for (let network = 0; network < 200; network++) await limits.ask(site, `2001:db8:1:${network.toString(16)}::1`)
  t.equal(await limits.ask(site, '2001:db8:2::1'), 0, 'also when the stranger has a /48')
})

t.test(
  'S13: strangers of many networks are refused at last, and where the owner has been is not concerned',
  async t => {
    const { ask, know, counts, pass } = openLimits(t)
    const phone = newPhone()
    know(phone, HOME)
    let asked = 0
    for (let network = 0; network < 20; network++) {
      for (let time = 0; time < 3; time++) if ((await ask(phone, `198.51.100.${network}`)) === 0) asked += 1
    }
    t.equal(asked, 60)
    const waitMs = await ask(phone, '198.51.100.200')
    t.ok(waitMs > 0 && waitMs <= HOUR_MS, String(waitMs))
    t.equal(counts.refused.get('recipient'), 1)
    t.equal(await ask(phone, HOME), 0, 'at home')
    t.equal(await ask(newPhone(), '198.51.100.200'), 0, 'another number')
    pass(waitMs)
    t.equal(await ask(phone, '198.51.100.200'), 0, 'the moment after')
  }
)

t.test('S13: codes that are used take nothing from a network; those that are not are limited', async t => {
  const { ask, giveBack, know, pass } = openLimits(t, { codesPerAddressPerHour: 30, codesPerAddressBurst: 100 })
  for (let person = 0; person < 1_000; person++) {
    const phone = newPhone()
    t.equal(await ask(phone, HOME), 0)
    giveBack(phone, HOME)
    know(phone, HOME)
  }
  const underWay = Array.from({ length: 100 }, () => newPhone())
  for (const phone of underWay) t.equal(await ask(phone, HOME), 0)
  t.equal(await ask(newPhone(), HOME), 120_000, 'the first one beyond')
  t.equal(await ask(newPhone(), STRANGER), 0, 'the neighbour')
  giveBack(underWay[0] ?? '', HOME)
  t.equal(await ask(newPhone(), HOME), 0)
  pass(120_000)
  t.equal(await ask(newPhone(), HOME), 0, 'the moment after')
})

t.test('S13: who has signed in from a network gets codes there, however many others ask for', async t => {
  const { ask, know } = openLimits(t, { codesPerAddressBurst: 2 })
  const phone = newPhone()
  know(phone, HOME)
  for (let other = 0; other < 5; other++) await ask(newPhone(), HOME)
  t.ok((await ask(newPhone(), HOME)) > 0)
  t.equal(await ask(phone, HOME), 0)
})

t.test('S13: a block of numbers is closed by no single network', async t => {
  const { ask, giveBack } = openLimits(t, { codesPerPrefixPerDay: 3 })
  const block = '+491512345'
  const employee = () => newPhone(block)
  for (let asked = 0; asked < 3; asked++) t.equal(await ask(employee(), STRANGER), 0)
  t.ok((await ask(employee(), STRANGER)) > 0, 'the first one beyond')
  t.equal(await ask(newPhone('+491512346'), STRANGER), 0, 'another block')
  for (let person = 0; person < 20; person++) {
    const phone = employee()
    t.equal(await ask(phone, HOME), 0, 'the company’s own network')
    giveBack(phone, HOME)
  }
  for (let network = 0; network < 3; network++) {
    for (let asked = 0; asked < 3; asked++) t.equal(await ask(employee(), `198.51.100.${100 + network}`), 0)
  }
  t.ok((await ask(employee(), '198.51.100.200')) > 0, 'four networks do')
})

t.test('S13: ceilings of a country and of the server count what is sent, used or not', async t => {
  const { ask, giveBack, know, counts, pass } = openLimits(t, { codesPerCountryPerDay: 3, codesPerServerPerDay: 5 })
  const german = [newPhone(), newPhone(), newPhone()]
  for (const phone of german) {
    t.equal(await ask(phone, STRANGER), 0)
    giveBack(phone, STRANGER)
  }
  const waitMs = await ask(newPhone(), HOME)
  t.ok(waitMs > 0, 'the first one beyond')
  t.equal(counts.refused.get('country'), 1)
  const [first = ''] = german
  know(first, HOME)
  t.equal(await ask(first, HOME), 0, 'who has been there has a ceiling of their own')
  for (const phone of ['+33612345678', '+33612345679']) t.equal(await ask(phone, HOME), 0, 'another country')
  t.ok((await ask('+33612345680', HOME)) > 0)
  t.equal(counts.refused.get('server'), 1)
  pass(waitMs)
  t.equal(await ask(newPhone(), HOME), 0, 'the moment after')
})

t.test('S13: who proves an address is counted by who they are, and the number’s strangers with them', async t => {
  const { ask } = openLimits(t, { codesPerAddressBurst: 1 })
  t.equal(await ask(newPhone(), HOME), 0)
  t.ok((await ask(newPhone(), HOME)) > 0, 'the network is used up')
  const by = (userId: string) => ({ purpose: 'prove', userId }) as const
  for (let asked = 0; asked < 5; asked++) t.equal(await ask(newPhone(), HOME, by('ann')), 0)
  t.ok((await ask(newPhone(), HOME, by('ann'))) > 0, 'the sixth of an hour')
  const phone = newPhone()
  let asked = 0
  for (let person = 0; person < 20; person++) if ((await ask(phone, HOME, by(`person${person}`))) === 0) asked += 1
  t.equal(asked, 3, 'many accounts of one network are one stranger to a number')
})

t.test('a server that mails codes refuses phone numbers, known or not', async t => {
  const env = { OTP_DELIVERY: 'smtp', SMTP_URL: 'smtp://127.0.0.1:1', MAIL_FROM: 'chat@parley.example' }
  const { otp } = await openServices(t, { env })
  for (const purpose of ['register', 'login'] as const) {
    await t.rejects(otp.request({ purpose, phone: newPhone() }, { ip: STRANGER, isLocal: true }), { code: 'invalid' })
  }
})
