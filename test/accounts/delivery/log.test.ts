import { Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import { LogDelivery } from '../../../src/accounts/delivery/log.ts'
import { loggerOptions } from '../../../src/log.ts'
import { DELIVERY } from './contract.ts'

/** A logger like the server’s, and what it has written. */
function openLog(): { log: pino.Logger; lines: string[] } {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    }
  })
  return { log: pino(loggerOptions({ LOG_LEVEL: 'trace' }), stream), lines }
}

t.test('U71: a code is printed for the developer, and for whom it is', async t => {
  const { log, lines } = openLog()
  await new LogDelivery(log).deliver(DELIVERY)
  t.equal(lines.length, 1)
  t.match(JSON.parse(lines[0] ?? ''), {
    level: 30,
    oneTimeCode: DELIVERY.code,
    channel: 'email',
    recipient: DELIVERY.to
  })
})

t.test('nothing else prints codes, numbers, passwords, or the tokens of QR codes', async t => {
  const { log, lines } = openLog()
  const body = { phone: 'canary-1', email: 'canary-2', code: 'canary-3', newPassword: 'canary-4', otp: 'canary-5' }
  log.info({ body }, 'Request')
  log.info({ ...body, devCode: 'canary-6', currentPassword: 'canary-7', to: 'canary-8' }, 'Request')
  log.info({ req: { method: 'POST', url: `/v1/auth/qr/canary-${'x'.repeat(36)}/approve?deviceId=canary-9`, id: '1' } })
  log.info({ req: { method: 'GET', url: '/api/auth/qr/canary-10', id: '1' } })
  log.error({ err: Object.assign(new Error('Failed'), { code: 'ECONNRESET' }) }, 'Failed')
  t.equal(lines.length, 5)
  t.notMatch(lines.join(''), 'canary')
  t.match(lines[2], '/v1/auth/qr/[redacted]/approve')
  t.match(lines[4], 'ECONNRESET', 'what went wrong is told')
})
