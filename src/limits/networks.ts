import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Growth of a limit with each wider network of an IPv6 address: of 64, 56 and 48 bits. */
const GROWTH = [1, 4, 16]
/** Bits of the fourth group that a network of 56 bits has. */
const BITS_56 = 0xff00
/** Network of what is no address. */
const UNKNOWN = 'unknown'
const IPV4_WITH_PORT = /^(\d+(?:\.\d+){3}):\d+$/
const IN_BRACKETS = /^\[(.*)\](?::\d+)?$/

/** An address without the port that some proxies add to it. */
export function withoutPort(address: string): string {
  return IN_BRACKETS.exec(address)?.[1] ?? IPV4_WITH_PORT.exec(address)?.[1] ?? address
}

/**
 * Networks of an address, the narrowest first: an IPv4 address is one by itself, of an IPv6 address it is the first 64,
 * 56 and 48 bits. A port is no part of it, and an IPv4 address that is written as an IPv6 one is IPv4.
 */
function networksOf(address: string): readonly [string, ...string[]] {
  const plain = withoutPort(address)
  if (isIP(plain) === 0) return [UNKNOWN]
  const parsed = ipaddr.process(plain)
  if (parsed instanceof ipaddr.IPv4) return [parsed.toString()]
  const [first = 0, second = 0, third = 0, fourth = 0] = parsed.parts
  const site = [first, second, third].map(group => group.toString(16)).join(':')
  return [`${site}:${fourth.toString(16)}/64`, `${site}:${(fourth & BITS_56).toString(16)}/56`, `${site}/48`]
}

/** Narrowest network of an address: that of one household, or of one device. */
export function networkOf(address: string): string {
  return networksOf(address)[0]
}

/** Widest network of an address: the most that one party is taken to have. */
export function widestNetworkOf(address: string): string {
  const networks = networksOf(address)
  return networks.at(-1) ?? networks[0]
}

/**
 * Limiters of the networks of all sizes. An address counts in each network that it is in, and the wider ones allow
 * more: who has many networks of one provider does not have as many times the limit.
 */
export class PerNetwork<Limiter> {
  readonly #limiters: readonly Limiter[]

  /** @param create makes the limiter of one size, of so many times the limit of an IPv4 address */
  constructor(create: (growth: number) => Limiter) {
    this.#limiters = GROWTH.map(growth => create(growth))
  }

  /** Limiters of the networks that an address is in, each with its key. The widest is first: it is full before many narrow ones are remembered. */
  list(address: string): { limiter: Limiter; network: string }[] {
    const networks = networksOf(address)
    return this.#limiters
      .flatMap((limiter, size) => networks.slice(size, size + 1).map(network => ({ limiter, network })))
      .reverse()
  }
}
