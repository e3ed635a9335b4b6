import type { Config } from '../../config/config.ts'
import { isLoopback } from '../../config/hosts.ts'
import { type CodeLog, LogDelivery } from './log.ts'
import { NoDelivery } from './none.ts'
import type { Delivery } from './port.ts'
import type { RetryOptions } from './retries.ts'
import { WebhookDelivery } from './webhook.ts'

type DeliveryConfig = Pick<
  Config,
  'HOST' | 'NODE_ENV' | 'OTP_DELIVERY' | 'OTP_WEBHOOK_URL' | 'OTP_WEBHOOK_SECRET' | 'SMTP_URL' | 'MAIL_FROM'
>

/** The part of a logger that is needed here. */
interface DeliveryLog extends CodeLog {
  warn(fields: object, message: string): void
}

/** The delivery that is configured; that its variables are there was checked when the configuration was read. */
export async function createDelivery(
  config: DeliveryConfig,
  log: DeliveryLog,
  retry: RetryOptions = {}
): Promise<Delivery> {
  const { HOST, OTP_DELIVERY: kind, OTP_WEBHOOK_URL: url = '', OTP_WEBHOOK_SECRET: secret = '' } = config
  if (kind === 'smtp') return await createSmtpDelivery(config, retry)
  if (kind === 'webhook') return new WebhookDelivery({ url, secret, ...retry })
  if (kind === 'log') {
    if (!isLoopback(HOST)) log.warn({}, 'OTP_DELIVERY is log: whoever reads this log can sign in as anybody')
    return new LogDelivery(log)
  }
  log.warn({}, 'OTP_DELIVERY is none: nobody gets one-time codes; set smtp or webhook')
  return new NoDelivery()
}

/** Loaded only where it is used. */
async function createSmtpDelivery(config: DeliveryConfig, retry: RetryOptions): Promise<Delivery> {
  const { NODE_ENV, SMTP_URL: url = '', MAIL_FROM: from = '' } = config
  const { SmtpDelivery } = await import('./smtp.ts')
  const isTlsRequired = NODE_ENV === 'production' && !isLoopback(new URL(url).hostname)
  return new SmtpDelivery({ url, from, isTlsRequired, ...retry })
}
