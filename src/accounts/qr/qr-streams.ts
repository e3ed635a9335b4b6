import { PassThrough, type Readable } from 'node:stream'
import type { QrState } from '../../../protocol/accounts/entities.ts'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import { networkOf } from '../../limits/networks.ts'
import type { QrService } from './qr.ts'

interface Watch {
  readonly token: string
  readonly deviceId: string | undefined
  readonly ip: string
}

const RETRY_MS = 5_000

/** Server-sent events about QR codes, a few at once for each network. Each ends when the code is decided or over. */
export class QrStreams {
  readonly #qr: QrService
  readonly #perNetwork: number
  readonly #beatMs: number
  readonly #open = new Map<string, number>()
  readonly #closing = new AbortController()

  constructor(qr: QrService, { limits, timings }: Pick<Config, 'limits' | 'timings'>) {
    this.#qr = qr
    this.#perNetwork = limits.qrStreamsPerAddress
    this.#beatMs = timings.streamBeatMs
  }

  /** @throws {AppError} `not_found`, `rate_limited` */
  async open(watch: Watch): Promise<Readable> {
    const state = await this.#qr.status(watch.token, watch.deviceId)
    const network = networkOf(watch.ip)
    this.#enter(network)
    const stream = new PassThrough()
    const gone = new AbortController()
    stream.once('close', () => {
      gone.abort()
      this.#leave(network)
    })
    void this.#emitStates(stream, watch, state, AbortSignal.any([gone.signal, this.#closing.signal]))
    return stream
  }

  /** Ends every stream. */
  close(): void {
    this.#closing.abort()
  }

  async #emitStates(
    stream: PassThrough,
    { token, deviceId }: Watch,
    first: QrState,
    signal: AbortSignal
  ): Promise<void> {
    const heartbeat = setInterval(() => stream.write(': waiting\n\n'), this.#beatMs)
    try {
      let state = first
      write(stream, state)
      while (isOpen(state)) {
        state = await this.#qr.wait(token, deviceId, signal, state.status)
        write(stream, state)
      }
    } catch {
      // The client has gone, or the server is stopping, or the code is another device's now: there is no more to tell.
    } finally {
      clearInterval(heartbeat)
      stream.end()
    }
  }

  #enter(network: string): void {
    const count = this.#open.get(network) ?? 0
    if (count >= this.#perNetwork) {
      throw new AppError('rate_limited', 'Too many streams are open', { retryAfterMs: RETRY_MS })
    }
    this.#open.set(network, count + 1)
  }

  #leave(network: string): void {
    const count = this.#open.get(network) ?? 0
    if (count <= 1) this.#open.delete(network)
    else this.#open.set(network, count - 1)
  }
}

function isOpen({ status }: QrState): boolean {
  return status === 'pending' || status === 'scanned'
}

function write(stream: PassThrough, state: QrState): void {
  stream.write(`event: state\ndata: ${JSON.stringify(state)}\n\n`)
}
