import { createTransport, type Transporter } from 'nodemailer'
import { Gate } from '../../limits/gate.ts'
import { type CodeDelivery, type CodePurpose, type Delivery, DeliveryError } from './port.ts'
import { type RetryOptions, withRetries } from './retries.ts'

const TIMEOUT_MS = 10_000
const AT_ONCE = 4
const MAX_WAITING = 1_000

const SUBJECTS: Record<CodePurpose, string> = {
  register: 'Your code to register',
  login: 'Your code to sign in',
  reset: 'Your code for a new password',
  prove: 'Your code to confirm this address'
}

interface SmtpOptions extends RetryOptions {
  /** `smtp://` or `smtps://`, with user and password where they are needed. */
  readonly url: string
  /** The sender, an address or `Name <address>`. */
  readonly from: string
  /** Sends nothing where the mail server offers no TLS: who sits between could take the offer away. */
  readonly isTlsRequired?: boolean
}

/** Mails codes. It has no way to a phone. */
export class SmtpDelivery implements Delivery {
  readonly channels = ['email'] as const
  readonly #options: SmtpOptions
  readonly #transport: Transporter
  readonly #gate = new Gate(AT_ONCE, MAX_WAITING)
  readonly #closing = new AbortController()

  constructor(options: SmtpOptions) {
    this.#options = options
    this.#transport = createTransport({
      url: options.url,
      requireTLS: options.isTlsRequired ?? false,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true
    })
  }

  async deliver(delivery: CodeDelivery): Promise<void> {
    await this.#gate.run(
      async () => await withRetries(async () => await this.#send(delivery), this.#closing.signal, this.#options)
    )
  }

  close(): void {
    this.#closing.abort()
    this.#transport.close()
  }

  async #send({ to, code, purpose }: CodeDelivery): Promise<void> {
    if (this.#closing.signal.aborted) throw new DeliveryError('The server is stopping', true)
    try {
      await this.#transport.sendMail({
        from: this.#options.from,
        // As an object, the address is not parsed: nothing in it makes a second recipient.
        to: { name: '', address: to },
        subject: SUBJECTS[purpose],
        text: `${code}\n\nThis code works once, for ten minutes. If you did not ask for it, do nothing.\n`,
        headers: { 'Auto-Submitted': 'auto-generated' }
      })
    } catch (error) {
      throw refusal(error)
    }
  }
}

/** Error without the words of the mail server, which may repeat the address. */
function refusal(error: unknown): DeliveryError {
  const { responseCode } = error as { responseCode?: number }
  if (responseCode === undefined) return new DeliveryError('The mail server cannot be reached', false)
  return new DeliveryError(`The mail server answered ${responseCode}`, responseCode >= 500)
}
