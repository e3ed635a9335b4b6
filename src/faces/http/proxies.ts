import type { IncomingMessage } from 'node:http'
import proxyAddr from '@fastify/proxy-addr'
import type { FastifyInstance } from 'fastify'
import { isPrivateAddress } from '../../config/hosts.ts'
import { withoutPort } from '../../limits/networks.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly proxies: Proxies
  }
}

/** Lets an app warn of proxies that nobody has named. @param named as in `TRUST_PROXY` */
export function watchProxies(app: FastifyInstance, named: readonly string[]): void {
  const proxies = new Proxies(named, text => app.log.warn(text))
  app.decorate('proxies', proxies)
  app.addHook('onRequest', ({ raw }, _, done) => {
    proxies.watch(raw)
    done()
  })
}

/** Proxies in front of the server: those that are believed for whom they ask, and those that nobody has named. */
export class Proxies {
  readonly #named: readonly string[]
  readonly #isTrusted: (address: string, hop: number) => boolean
  readonly #warn: (text: string) => void
  #untrusted = 0

  /** @param named as in `TRUST_PROXY` */
  constructor(named: readonly string[], warn: (text: string) => void) {
    this.#named = named
    this.#isTrusted = proxyAddr.compile([...named])
    this.#warn = warn
  }

  /** Requests of a proxy in the own network that is not named: who is behind it is taken for one. */
  get untrusted(): number {
    return this.#untrusted
  }

  /** Address of who asks, as far as the proxies between are named; empty when they have gone. */
  addressOf(request: IncomingMessage): string {
    return proxyAddr(request, this.#isTrusted) ?? ''
  }

  /** Hosts that a request is for: the one that it names, and those that a proxy which is trusted says were named to it. */
  hostsOf({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string[] {
    const forwarded = this.#isTrusted(socket.remoteAddress ?? '', 0) ? headers['x-forwarded-host'] : undefined
    return [headers.host, forwarded]
      .flat()
      .flatMap(it => it?.split(',') ?? [])
      .map(it => it.trim())
  }

  /** Takes the ports out of what proxies say, and warns, once, of one in the own network that is not named. */
  watch({ headers, socket }: IncomingMessage): void {
    const forwarded = headers['x-forwarded-for']
    if (forwarded === undefined && headers.forwarded === undefined) return
    if (forwarded !== undefined) headers['x-forwarded-for'] = plainAddresses(forwarded)
    const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, '') ?? ''
    if (!isPrivateAddress(address) || this.#isTrusted(address, 0)) return
    this.#untrusted += 1
    if (this.#untrusted > 1) return
    const value = [...this.#named, address].join(',')
    this.#warn(
      `Requests come through a proxy at ${address} that is not trusted: all who use it share the limits of one address. If it is yours, set TRUST_PROXY=${value}`
    )
  }
}

/** Addresses of a header, each without a port. */
function plainAddresses(value: string | string[]): string {
  return [value]
    .flat()
    .flatMap(it => it.split(','))
    .map(it => withoutPort(it.trim()))
    .join(', ')
}
