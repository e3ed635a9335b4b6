import { createReadStream } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../config/config.ts'
import { AppError } from '../errors.ts'
import { FairGate } from '../limits/fair-gate.ts'

const MAX_REPLY_BYTES = 4_096
/** Files that are looked at at once: as many as clamd has threads, unless it is told otherwise. */
const AT_ONCE = 10

interface ScannerDeps {
  readonly config: Pick<Config, 'CLAMD_URL' | 'CLAMD_FAILURE' | 'timings'>
  readonly onError: (error: unknown) => void
}

/** The scanner of the settings; `undefined` where there is none. */
export function createScanner({ config, onError }: ScannerDeps): Scanner | undefined {
  const { CLAMD_URL: address, CLAMD_FAILURE: failure, timings } = config
  if (address === undefined) return undefined
  return new Scanner({ address, isFailureKept: failure === 'keep', limitMs: timings.scanMs, onError })
}

interface ScannerOptions {
  readonly address: string
  readonly isFailureKept: boolean
  readonly limitMs: number
  readonly onError: (error: unknown) => void
}

/** A clamd that looks at files. */
class Scanner {
  readonly #options: ScannerOptions
  readonly #gate = new FairGate({ width: AT_ONCE, maxWaiting: 1_000, maxWaitingEach: 20 })

  constructor(options: ScannerOptions) {
    this.#options = options
  }

  /**
   * Requires that it has looked at a file and found nothing.
   * @throws {AppError} `invalid` for what it has found; `busy`, or `too_large`, where it could not look
   */
  async require(path: string, ownerId: string): Promise<void> {
    const reply = await this.#gate.run({ party: ownerId }, async () => await this.#ask(path))
    if (reply === 'stream: OK') return
    const [, found] = /^stream: (.+) FOUND$/.exec(reply) ?? []
    if (found !== undefined)
      throw new AppError('invalid', `The file is harmful: ${found.replace(/[^\w.-]/g, '_').slice(0, 100)}`)
    this.#options.onError(new Error(`The scanner could not look at a file: ${reply}`))
    if (this.#options.isFailureKept) return
    if (/size limit exceeded/i.test(reply)) throw new AppError('too_large', 'The file is too large to be looked at')
    throw new AppError('busy', 'Files cannot be looked at now')
  }

  /** Its answer, or what has kept it from one. */
  async #ask(path: string): Promise<string> {
    const socket = open(this.#options.address)
    const tooLate = () => socket.destroy(new Error('It takes too long'))
    const timer = setTimeout(tooLate, this.#options.limitMs)
    try {
      return await talk(socket, path)
    } catch (error) {
      return String(error)
    } finally {
      clearTimeout(timer)
      socket.destroy()
    }
  }
}

export type { Scanner }

function open(address: string): Socket {
  const socket = address.startsWith('unix:')
    ? connect(address.slice('unix:'.length))
    : connect(Number(new URL(address).port), new URL(address).hostname.replace(/^\[|\]$/g, ''))
  // Whoever reads from it hears of it.
  return socket.on('error', () => undefined)
}

/** Sends a file and reads the answer, which may come before the end: then it is none that says that all is well. */
async function talk(socket: Socket, path: string): Promise<string> {
  let isSent = false
  const parts = async function* () {
    yield Buffer.from('zINSTREAM\0')
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) yield* [lengthOf(chunk), chunk]
    isSent = true
    yield lengthOf()
  }
  const sending = pipeline(parts, socket, { end: false }).catch(() => undefined)
  const reply = await readReply(socket)
  socket.destroy()
  await sending
  return isSent || reply !== 'stream: OK' ? reply : 'It answered before it had the file'
}

/** A chunk begins with its length; the last one is empty. */
function lengthOf(chunk?: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(chunk?.length ?? 0)
  return length
}

async function readReply(socket: Socket): Promise<string> {
  let reply = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    reply += chunk.toString('latin1')
    const end = reply.indexOf('\0')
    if (end >= 0) return reply.slice(0, end).trim()
    if (reply.length > MAX_REPLY_BYTES) break
  }
  throw new Error(`It answered ${JSON.stringify(reply.slice(0, 100))}`)
}
