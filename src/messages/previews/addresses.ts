import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Addresses of IPv6 that are given out to anybody: everything beside them is for something special, or for nothing. */
const GLOBAL = ipaddr.IPv6.parseCIDR('2000::/3')

/** Networks as the operator writes them: an address, or one with the bits that count of it. */
function networkOf(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** Addresses that the server may connect to for others: those of the Internet, and those that the operator names. */
export class ReachableAddresses {
  readonly #named: readonly (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[]

  constructor(named: readonly string[]) {
    this.#named = named.map(networkOf)
  }

  has(address: string): boolean {
    return isPublic(address) || this.isNamed(address)
  }

  /** Whether the operator has named its network. */
  isNamed(address: string): boolean {
    if (isIP(address) === 0) return false
    const parsed = ipaddr.parse(address)
    return this.#named.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match([network, bits]))
  }
}

/**
 * Whether an address is of the Internet: of no network that is not routed there, of no special use, and of no
 * transition by which an IPv6 address leads to an IPv4 one.
 */
export function isPublic(address: string): boolean {
  if (isIP(address) === 0) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  return parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL)
}
