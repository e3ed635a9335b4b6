import { hash, randomUUID } from 'node:crypto'

/** Sends of one client that are remembered at once. */
const MAX_SENDS = 256
/** Time after which an acknowledgement is taken to have arrived, ms. */
const ARRIVED_MS = 10_000

interface Send {
  readonly clientId: string
  /** Tries whose acknowledgement may not have arrived. */
  tries: number
  answeredAt: number | undefined
}

/** A send under the `clientId` that it has in common with its repeats. */
interface NamedSend {
  readonly data: object
  /** To be called before the acknowledgement is sent. */
  answered(): void
}

/**
 * Sends without a `clientId` whose acknowledgement may not have reached the client yet. An identical one is a repeat: the
 * client's library makes it by itself (`retries`), and nothing in it says so.
 */
export class Unacknowledged {
  readonly #sends = new Map<string, Send>()
  readonly #whenReached: (callback: () => void) => void

  /** @param whenReached calls back when the client has got what is sent until then */
  constructor(whenReached: (callback: () => void) => void) {
    this.#whenReached = whenReached
  }

  /** Names a send; undefined for one that has a name of its own. */
  name(type: string, data: unknown): NamedSend | undefined {
    if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined
    if ('clientId' in data && data.clientId !== null) return undefined
    const key = hash('sha1', JSON.stringify([type, data]), 'base64url')
    const known = this.#known(key)
    if (known === undefined && this.#sends.size >= MAX_SENDS) return undefined
    const send = known ?? { clientId: randomUUID(), tries: 0, answeredAt: undefined }
    send.tries += 1
    this.#sends.set(key, send)
    return { data: { ...data, clientId: send.clientId }, answered: () => this.#answered(key, send) }
  }

  #known(key: string): Send | undefined {
    const send = this.#sends.get(key)
    const hasArrived = send?.answeredAt !== undefined && performance.now() - send.answeredAt > ARRIVED_MS
    return hasArrived ? undefined : send
  }

  #answered(key: string, send: Send): void {
    send.answeredAt = performance.now()
    this.#whenReached(() => {
      send.tries -= 1
      if (send.tries === 0 && this.#sends.get(key) === send) this.#sends.delete(key)
    })
  }
}
