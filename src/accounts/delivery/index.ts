import type { Config } from '../../config/config.ts'
import { type CodeLog, LogDelivery } from './log.ts'
import type { Delivery } from './port.ts'
import type { RetryOptions } from './retries.ts'
import { WebhookDelivery } from './webhook.ts'

type DeliveryConfig = Pick<Config, 'OTP_DELIVERY' | 'OTP_WEBHOOK_URL' | 'OTP_WEBHOOK_SECRET' | 'SMTP_URL' | 'MAIL_FROM'>

/** The delivery that is configured; that its variables are there was checked when the configuration was read. */
export async function createDelivery(
  config: DeliveryConfig,
  log: CodeLog,
  retry: RetryOptions = {}
): Promise<Delivery> {
  const { OTP_DELIVERY: kind, OTP_WEBHOOK_URL, OTP_WEBHOOK_SECRET, SMTP_URL, MAIL_FROM } = config
  if (kind === 'smtp') {
    const { SmtpDelivery } = await import('./smtp.ts')
    return new SmtpDelivery({ url: SMTP_URL ?? '', from: MAIL_FROM ?? '', ...retry })
  }
  if (kind === 'webhook') {
    return new WebhookDelivery({ url: OTP_WEBHOOK_URL ?? '', secret: OTP_WEBHOOK_SECRET ?? '', ...retry })
  }
  return new LogDelivery(log)
}
