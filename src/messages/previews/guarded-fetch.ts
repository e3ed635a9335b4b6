import { Resolver } from 'node:dns/promises'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { FairGate } from '../../limits/fair-gate.ts'
import type { ReachableAddresses } from './addresses.ts'

const MAX_REDIRECTS = 3
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Requests at once: in all, and of one address. */
const GATE = { width: 32, widthEach: 4, maxWaiting: 1_000, maxWaitingEach: 32 }
const USER_AGENT = 'ParleyBot/1.0 (link previews of the Parley chat server)'
const DNS = { timeout: 1_500, tries: 2 }

/** Refusal to fetch something, or an answer that is of no use. */
export class FetchRefused extends Error {}

/** Addresses of a host name, IPv4 and IPv6. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<string[]>

/** Answer of a page; its body is read at once, and ends when the reading does. */
export interface FetchedAnswer {
  /** Address after all redirects. */
  readonly url: string
  /** As the page says, without parameters, in small letters. */
  readonly mimeType: string
  readonly charset: string | undefined
  /** Unpacked. */
  readonly body: Readable
}

interface FetchOptions {
  readonly accept: string
  /** Ends the fetch, at whichever point it is. */
  readonly signal: AbortSignal
}

/** Outcome of one request: what was read, or where it is to be asked next. */
type Hop<T> = { readonly read: T } | { readonly location: string }

/**
 * Fetches what strangers name, and never from where they have no business: each host, at each redirect, is resolved
 * once, all its addresses are looked at, and the connection goes to these and to no other.
 */
export class GuardedFetch {
  readonly #addresses: ReachableAddresses
  readonly #resolve: Resolve
  readonly #gate = new FairGate(GATE)

  /** @param resolve finds the addresses of a name; the resolvers of this machine unless told */
  constructor(addresses: ReachableAddresses, resolve: Resolve = resolveName) {
    this.#addresses = addresses
    this.#resolve = resolve
  }

  /**
   * Fetches an address, with at most three redirects, and without anything that says for whom.
   * @throws {FetchRefused} where it may not, or gets no answer of use
   */
  async get<T>(address: string, options: FetchOptions, read: (answer: FetchedAnswer) => Promise<T>): Promise<T> {
    let next = address
    for (let count = 0; count <= MAX_REDIRECTS; count += 1) {
      const hop = await this.#request(requireAddress(next), options, read)
      if ('read' in hop) return hop.read
      next = hop.location
    }
    throw new FetchRefused('Too many redirects')
  }

  async #request<T>(url: URL, options: FetchOptions, read: (answer: FetchedAnswer) => Promise<T>): Promise<Hop<T>> {
    const addresses = await this.#addressesOf(url, options.signal)
    return await this.#gate.run({ party: addresses[0] }, async () => {
      options.signal.throwIfAborted()
      const response = await send(url, addresses, options)
      try {
        const location = locationOf(response, url)
        return location === undefined ? { read: await read(answerOf(response, url)) } : { location }
      } finally {
        response.destroy()
      }
    })
  }

  /** Addresses to connect to. One that may not be reached refuses all: nobody has both kinds for a good reason. */
  async #addressesOf(url: URL, signal: AbortSignal): Promise<[string, ...string[]]> {
    const host = hostOf(url)
    const [first, ...others] = isIP(host) > 0 ? [host] : await this.#resolve(host, signal)
    if (first === undefined) throw new FetchRefused('The host has no address')
    const all: [string, ...string[]] = [first, ...others]
    if (!all.every(it => this.#addresses.has(it))) throw new FetchRefused('The host is not on the Internet')
    // Other ports are seldom those of pages, and often those of something else.
    if (url.port !== '' && !all.every(it => this.#addresses.isNamed(it))) {
      throw new FetchRefused('Only the ports of http and https are asked')
    }
    return all
  }
}

/** Host as it is looked up: of an IPv6 address without brackets. */
function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function requireAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) throw new FetchRefused('No address of the web')
  if (url.username !== '' || url.password !== '') throw new FetchRefused('Names and passwords are not sent')
  return url
}

/** Sends a request to one of the addresses, on a connection of its own. */
async function send(
  url: URL,
  addresses: readonly string[],
  { accept, signal }: FetchOptions
): Promise<IncomingMessage> {
  const found = addresses.map(address => ({ address, family: isIP(address) }))
  const lookup: LookupFunction = (_, options, done) => {
    const [{ address, family } = { address: '', family: 0 }] = found
    if (options.all) done(null, found)
    else done(null, address, family)
  }
  const headers = { 'user-agent': USER_AGENT, accept, 'accept-encoding': 'gzip, br' }
  const { request } = url.protocol === 'https:' ? https : http
  return await new Promise((resolve, reject) => {
    // No agent of the process: it may have been told of a proxy.
    const sent = request(url, {
      agent: false,
      lookup,
      signal,
      headers,
      rejectUnauthorized: true,
      maxHeaderSize: 16_384
    })
    sent.on('response', resolve)
    sent.on('error', reject)
    sent.on('upgrade', (_, socket) => socket.destroy())
    sent.end()
  })
}

/** Where a redirect leads. @throws {FetchRefused} for any other answer than 200 */
function locationOf({ statusCode = 0, headers }: IncomingMessage, url: URL): string | undefined {
  const { location } = headers
  if (REDIRECTS.has(statusCode) && location !== undefined && URL.canParse(location, url.href)) {
    return new URL(location, url.href).href
  }
  if (statusCode !== 200) throw new FetchRefused('The page is not there')
  return undefined
}

function answerOf(response: IncomingMessage, { href }: URL): FetchedAnswer {
  const [mimeType = '', ...parameters] = (response.headers['content-type'] ?? '').toLowerCase().split(';')
  const charset = parameters.map(it => /^\s*charset\s*=\s*"?([\w.:+-]{1,40})/.exec(it)?.[1]).find(Boolean)
  return { url: href, mimeType: mimeType.trim(), charset, body: unpacked(response) }
}

const UNPACK: Record<string, () => NodeJS.ReadWriteStream & Readable> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress
}

function unpacked(response: IncomingMessage): Readable {
  const encoding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (encoding === 'identity' || encoding === '') return response
  const unpack = Object.hasOwn(UNPACK, encoding) ? UNPACK[encoding]?.() : undefined
  if (unpack === undefined) throw new FetchRefused('The page is packed in another way')
  // What fails is told by the stream that is read.
  return pipeline(response, unpack, () => undefined)
}

/**
 * Asks the name servers of this machine, and not its own tables of names: the threads that read those are few, and
 * everybody's.
 */
async function resolveName(host: string, signal: AbortSignal): Promise<string[]> {
  const resolver = new Resolver(DNS)
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    return found.flatMap(it => (it.status === 'fulfilled' ? it.value : []))
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
