import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** Is handed each text frame where it lies: `bytes` from `start` to `end`, valid only during the call. */
export type FrameHandler = (bytes: Buffer, start: number, end: number) => void

const NOTHING = Buffer.alloc(0)
const HEADER_END = '\r\n\r\n'
const OPCODE = { text: 1, close: 8, ping: 9, pong: 10 } as const

/**
 * A WebSocket client that does as little as the protocol allows, so that the load leaves the cores to the servers:
 * all sockets read into one buffer, frames are looked at in place, and the masking key is zero.
 */
export class LightSocket {
  static readonly #scratch = Buffer.allocUnsafe(262_144)

  /** Set it to receive; frames that come while it is unset are dropped. */
  onFrame: FrameHandler | undefined
  /** Called once when the connection ends, whoever ends it, with the server's close code (1006 without one). */
  onClose: ((code: number) => void) | undefined

  readonly #socket: Socket
  #isOpen: boolean = false
  #rest: Buffer = NOTHING
  #closeCode = 1006

  private constructor(url: URL, opened: () => void, failed: (error: Error) => void) {
    const onread = {
      buffer: LightSocket.#scratch,
      callback: (count: number, buffer: Uint8Array) => {
        this.#read((buffer as Buffer).subarray(0, count), opened, failed)
        return true
      }
    }
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true, onread })
    this.#socket.on('error', failed)
    this.#socket.on('close', () => {
      failed(new Error(`${url.href} closed the connection (${this.#closeCode})`))
      this.onClose?.(this.#closeCode)
    })
    this.#socket.write(upgradeRequest(url))
  }

  /** Connects to `ws://…` and upgrades. @throws when the server refuses */
  static async open(url: string): Promise<LightSocket> {
    let socket: LightSocket | undefined
    await new Promise<void>((resolve, reject) => {
      socket = new LightSocket(new URL(url), resolve, reject)
    })
    return socket as LightSocket
  }

  /** The first frame for which `isAwaited` says so; frames before it are dropped. @throws when the connection ends */
  async awaitFrame(isAwaited: (text: string) => boolean): Promise<string> {
    return await this.awaitValue((bytes, start, end) => {
      const text = bytes.toString('utf8', start, end)
      return isAwaited(text) ? text : undefined
    })
  }

  /** Await the first frame from which `read` returns a value. @throws when the connection ends */
  async awaitValue<Value>(read: (bytes: Buffer, start: number, end: number) => Value | undefined): Promise<Value> {
    return await new Promise((resolve, reject) => {
      this.onClose = code => reject(new Error(`The connection was closed with ${code}`))
      this.onFrame = (bytes, start, end) => {
        const value = read(bytes, start, end)
        if (value === undefined) return
        this.onFrame = undefined
        this.onClose = undefined
        resolve(value)
      }
    })
  }

  /** Sends a text frame. */
  send(text: string): void {
    this.#socket.write(encode(OPCODE.text, text))
  }

  /** Ends the connection without a closing handshake. */
  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer, opened: () => void, failed: (error: Error) => void): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = 0
    if (!this.#isOpen) {
      const headerEnd = bytes.indexOf(HEADER_END)
      if (headerEnd >= 0) {
        at = headerEnd + HEADER_END.length
        this.#isOpen = true
        const status = bytes.toString('latin1', 0, bytes.indexOf('\r\n'))
        if (status.includes(' 101 ')) opened()
        else failed(new Error(`The upgrade was answered with ${status}`))
      }
    }
    if (this.#isOpen) at = this.#frames(bytes, at)
    this.#rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : NOTHING
  }

  /** Handles the whole frames from `at`. @returns where the first incomplete one starts */
  #frames(bytes: Buffer, from: number): number {
    let at = from
    while (bytes.length - at >= 2) {
      const start = at + headerLength(bytes, at)
      if (start > bytes.length) return at
      const end = start + payloadLength(bytes, at)
      if (end > bytes.length) return at
      this.#frame((bytes[at] as number) & 15, bytes, start, end)
      at = end
    }
    return at
  }

  #frame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === OPCODE.text) this.onFrame?.(bytes, start, end)
    else if (opcode === OPCODE.ping) this.#socket.write(encode(OPCODE.pong, bytes.toString('latin1', start, end)))
    else if (opcode === OPCODE.close) {
      if (end - start >= 2) this.#closeCode = bytes.readUInt16BE(start)
      this.#socket.destroy()
    }
  }
}

/** Of the unmasked frame at `at`. */
function headerLength(bytes: Buffer, at: number): number {
  const short = (bytes[at + 1] as number) & 127
  if (short < 126) return 2
  return short === 126 ? 4 : 10
}

/** Of the unmasked frame at `at`; nobody sends 4 GiB, so the upper half of a long length is left out. */
function payloadLength(bytes: Buffer, at: number): number {
  const short = (bytes[at + 1] as number) & 127
  if (short < 126) return short
  return short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6)
}

function upgradeRequest({ host, pathname, search }: URL): string {
  const key = randomBytes(16).toString('base64')
  return [
    `GET ${pathname}${search} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    HEADER_END.slice(2)
  ].join('\r\n')
}

/** A masked client frame whose masking key is zero, so that the payload needs no masking. */
function encode(opcode: number, text: string): Buffer {
  const length = Buffer.byteLength(text)
  const isShort = length < 126
  if (length > 65_535) throw new Error('The load sends no frame above 65,535 bytes')
  const start = isShort ? 6 : 8
  const frame = Buffer.alloc(start + length)
  frame[0] = 128 | opcode
  frame[1] = 128 | (isShort ? length : 126)
  if (!isShort) frame.writeUInt16BE(length, 2)
  frame.write(text, start)
  return frame
}
