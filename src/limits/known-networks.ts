import { boundedMap } from './bounded-map.ts'
import { networkOf } from './networks.ts'

const MAX_KNOWN = 50_000

/** Networks from which people have proved who they are, by the name that they gave. In this process. */
export class KnownNetworks {
  readonly #pairs = boundedMap<true>(MAX_KNOWN)

  has(name: string, ip: string): boolean {
    return this.#pairs.has(pairOf(name, ip))
  }

  add(name: string, ip: string): void {
    this.#pairs.set(pairOf(name, ip), true)
  }
}

function pairOf(name: string, ip: string): string {
  return `${networkOf(ip)} ${name}`
}
