import type { IncomingMessage } from 'node:http'
import type { Config } from '../config/config.ts'
import { AppError } from '../errors.ts'

type Asking = Pick<IncomingMessage, 'headers' | 'socket'>

interface OriginDeps {
  readonly config: Pick<Config, 'CORS_ORIGINS' | 'NODE_ENV'>
  /** Hosts that a request may be for. */
  readonly hostsOf: (request: Asking) => readonly string[]
}

/** Origin that an answer names, and whether pages of it may send what a browser keeps; `false` where none may read it. */
export interface Sharing {
  readonly origin: string | false
  readonly credentials: boolean
}

/** Origins of pages that may use this server from a browser: the same for every face. */
export class Origins {
  readonly #listed: ReadonlySet<string>
  readonly #isDevelopment: boolean
  readonly #hostsOf: OriginDeps['hostsOf']

  constructor({ config, hostsOf }: OriginDeps) {
    this.#listed = new Set(config.CORS_ORIGINS)
    this.#isDevelopment = config.NODE_ENV === 'development'
    this.#hostsOf = hostsOf
  }

  /**
   * A page of another site must not use a person's browser to talk to this server. Apps outside a browser send no
   * Origin; in development every page may connect.
   * @throws {AppError} `forbidden`
   */
  require(request: Asking): void {
    const { origin } = request.headers
    if (origin === undefined || this.isShared(origin) || this.#isOwn(origin, request)) return
    throw new AppError('forbidden', 'This Origin may not connect')
  }

  /** Whether pages of an origin may read answers, wherever they come from. */
  isShared(origin: string): boolean {
    return this.#isDevelopment || this.#listed.has(origin) || this.#listed.has('*')
  }

  /** Answer to a page of another origin; credentials are for those that are listed by name. */
  share(origin: string | undefined): Sharing {
    if (origin !== undefined && (this.#isDevelopment || this.#listed.has(origin))) return { origin, credentials: true }
    return { origin: this.#listed.has('*') && '*', credentials: false }
  }

  /** Whether a page comes from where the request goes. A proxy may have taken TLS away, so either scheme will do. */
  #isOwn(origin: string, request: Asking): boolean {
    return this.#hostsOf(request).some(it => {
      const host = it.toLowerCase()
      return origin === `https://${host.replace(/:443$/, '')}` || origin === `http://${host.replace(/:80$/, '')}`
    })
  }
}
