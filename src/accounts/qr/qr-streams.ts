import { PassThrough, type Readable } from 'node:stream'
import type { QrState } from '../../../protocol/accounts/entities.ts'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import { networkOf } from '../../limits/networks.ts'
import type { Viewer } from './code-state.ts'
import type { QrService } from './qr.ts'

interface Watch {
  readonly token: string
  readonly viewer: Viewer
  readonly ip: string
}

const RETRY_MS = 5_000

/** Server-sent events about QR codes, a few at once for each code. Each ends when the code is decided or over. */
export class QrStreams {
  readonly #qr: QrService
  readonly #limits: Config['limits']
  readonly #beatMs: number
  readonly #comeBackMs: number
  /** Open streams in all, of a network and of a code. */
  readonly #open = new Map<string, number>()
  readonly #closing = new AbortController()

  constructor(qr: QrService, { limits, timings }: Pick<Config, 'limits' | 'timings'>) {
    this.#qr = qr
    this.#limits = limits
    this.#beatMs = timings.streamBeatMs
    this.#comeBackMs = timings.drainRetryMs
  }

  /** @throws {AppError} `not_found`, `unauthenticated`, `rate_limited` */
  async open(watch: Watch): Promise<Readable> {
    // Asked before a place is taken: who has only seen the picture takes none.
    const state = await this.#qr.status(watch.token, watch.viewer)
    const leave = this.#enter(watch)
    const stream = new PassThrough()
    const gone = new AbortController()
    stream.once('close', () => {
      gone.abort()
      leave()
    })
    void this.#emitStates(stream, watch, state, AbortSignal.any([gone.signal, this.#closing.signal]))
    return stream
  }

  /** Ends every stream. */
  close(): void {
    this.#closing.abort()
  }

  async #emitStates(stream: PassThrough, { token, viewer }: Watch, first: QrState, signal: AbortSignal): Promise<void> {
    const heartbeat = setInterval(() => stream.write(': waiting\n\n'), this.#beatMs)
    try {
      let state = first
      write(stream, state)
      while (isOpen(state)) {
        state = await this.#qr.wait(token, viewer, signal, state.status)
        write(stream, state)
      }
    } catch {
      // The client has gone, or the server is stopping, or the code is another device's now: there is no more to tell.
    } finally {
      clearInterval(heartbeat)
      stream.end(this.#closing.signal.aborted ? `retry: ${this.#comeBackMs}\n\n` : '')
    }
  }

  /** Takes a place of each kind. @returns what gives them back @throws {AppError} `rate_limited` */
  #enter({ token, ip }: Watch): () => void {
    const places = [
      { key: 'all', limit: this.#limits.qrStreams },
      { key: `network ${networkOf(ip)}`, limit: this.#limits.qrStreamsPerAddress },
      { key: `code ${token}`, limit: this.#limits.qrStreamsPerCode }
    ]
    if (places.some(({ key, limit }) => (this.#open.get(key) ?? 0) >= limit)) {
      throw new AppError('rate_limited', 'Too many streams are open', { retryAfterMs: RETRY_MS })
    }
    for (const { key } of places) this.#count(key, 1)
    return () => {
      for (const { key } of places) this.#count(key, -1)
    }
  }

  #count(key: string, change: number): void {
    const count = (this.#open.get(key) ?? 0) + change
    if (count === 0) this.#open.delete(key)
    else this.#open.set(key, count)
  }
}

function isOpen({ status }: QrState): boolean {
  return status === 'pending' || status === 'scanned'
}

function write(stream: PassThrough, state: QrState): void {
  stream.write(`event: state\ndata: ${JSON.stringify(state)}\n\n`)
}
