import { randomBytes } from 'node:crypto'
import t from 'tap'
import { createDelivery } from '../../../src/accounts/delivery/index.ts'
import { SmtpDelivery } from '../../../src/accounts/delivery/smtp.ts'
import { readConfig } from '../../../src/config/config.ts'
import { DELIVERY, deliveryContract } from './contract.ts'
import { startMailServer } from './smtp-gateway.ts'

const FROM = 'Parley <chat@parley.example>'

deliveryContract(async (t, backoffMs) => {
  const gateway = await startMailServer(t)
  const delivery = new SmtpDelivery({ url: gateway.url, from: FROM, backoffMs })
  t.teardown(() => delivery.close())
  return { delivery, gateway }
})

t.test('a mail has its sender, one recipient, and says what the code is for', async t => {
  const gateway = await startMailServer(t)
  const delivery = new SmtpDelivery({ url: gateway.url, from: FROM, backoffMs: 1 })
  await delivery.deliver({ ...DELIVERY, purpose: 'reset' })
  const [mail] = gateway.received
  t.match(mail, { from: 'chat@parley.example', recipients: [DELIVERY.to] })
  t.match(mail?.text, /^Subject: Your code for a new password$/m)
  t.match(mail?.text, /^Auto-Submitted: auto-generated$/m)
  t.same(delivery.channels, ['email'], 'it has no way to a phone')
})

t.test('an address that reads like several is one recipient', async t => {
  const gateway = await startMailServer(t)
  const delivery = new SmtpDelivery({ url: gateway.url, from: FROM, backoffMs: 1 })
  await delivery.deliver({ ...DELIVERY, to: 'ada@parley.example,eve@parley.example' }).catch(() => undefined)
  for (const { recipients } of gateway.received) t.equal(recipients.length, 1)
  t.notOk(gateway.received.some(({ recipients }) => recipients.includes('eve@parley.example')))
})

t.test('S26 a code waits for TLS where a mail server far away offers none', async t => {
  const gateway = await startMailServer(t)
  const delivery = new SmtpDelivery({ url: gateway.url, from: FROM, isTlsRequired: true, backoffMs: 1 })
  t.teardown(() => delivery.close())
  await t.rejects(delivery.deliver(DELIVERY), { name: 'DeliveryError' })
  t.same(gateway.received, [])
  const settings = (url: string, NODE_ENV: string) =>
    readConfig({
      NODE_ENV,
      JWT_SECRET: randomBytes(32).toString('hex'),
      DATA_DIR: '/d',
      OTP_DELIVERY: 'smtp',
      SMTP_URL: url,
      MAIL_FROM: FROM
    })
  const log = { info: () => undefined, warn: () => undefined }
  const here = await createDelivery(settings(gateway.url, 'production'), log)
  t.teardown(() => here.close())
  await here.deliver(DELIVERY)
  t.equal(gateway.received.length, 1, 'on the same machine nobody sits between')
})
