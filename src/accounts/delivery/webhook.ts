import { createHmac, randomUUID } from 'node:crypto'
import { Gate } from '../../limits/gate.ts'
import { type CodeDelivery, type Delivery, DeliveryError } from './port.ts'
import { type RetryOptions, withRetries } from './retries.ts'

const TIMEOUT_MS = 10_000
const AT_ONCE = 16
const MAX_WAITING = 1_000
const MAY_PASS = new Set([408, 425, 429])

interface WebhookOptions extends RetryOptions {
  readonly url: string
  readonly secret: string
}

/**
 * Posts `{id, channel, to, code, purpose}` as JSON. `x-parley-signature` is `v1=` and the HMAC-SHA256, in
 * hexadecimal digits, of `x-parley-timestamp` (seconds since 1970), a full stop and the body. A repeated try has the
 * same `id`, so that the receiver can tell it. Any 2xx is success; 4xx but 408, 425 and 429 is final.
 */
export class WebhookDelivery implements Delivery {
  readonly channels = ['sms', 'email'] as const
  readonly #options: WebhookOptions
  readonly #gate = new Gate(AT_ONCE, MAX_WAITING)
  readonly #closing = new AbortController()

  constructor(options: WebhookOptions) {
    this.#options = options
  }

  async deliver({ channel, to, code, purpose }: CodeDelivery): Promise<void> {
    const body = JSON.stringify({ id: randomUUID(), channel, to, code, purpose })
    await this.#gate.run(
      async () => await withRetries(async () => await this.#post(body), this.#closing.signal, this.#options)
    )
  }

  close(): void {
    this.#closing.abort()
  }

  async #post(body: string): Promise<void> {
    const { url, secret } = this.#options
    const timestamp = String(Math.floor(Date.now() / 1000))
    const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-parley-timestamp': timestamp,
        'x-parley-signature': `v1=${signature}`
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(TIMEOUT_MS)])
    }).catch(() => {
      throw new DeliveryError('The webhook cannot be reached', false)
    })
    await response.body?.cancel()
    if (response.ok) return
    const isFinal = response.status < 500 && !MAY_PASS.has(response.status)
    throw new DeliveryError(`The webhook answered ${response.status}`, isFinal)
  }
}
