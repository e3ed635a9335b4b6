/** Bytes of a text frame from the server (RFC 6455, 5.2: final, not masked), made once and shared by every receiver. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(headerLength + length)
  frame[0] = 0x81
  if (headerLength === 2) frame[1] = length
  else if (headerLength === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, headerLength)
  return frame
}

/** A ping without a payload. */
export const PING_FRAME = Buffer.from([0x89, 0])

/**
 * The frames that one connection is to get in this tick. Connections that get the same frames in the same order
 * share the batches, so that what a thousand members are sent is joined once and not a thousand times.
 */
export class FrameBatch {
  readonly #before: FrameBatch | undefined
  readonly #frame: Buffer | undefined
  readonly count: number
  readonly bytes: number
  #next: FrameBatch | undefined
  #joined: Buffer | undefined
  #parts: readonly Buffer[] | undefined

  constructor(before?: FrameBatch, frame?: Buffer) {
    this.#before = before
    this.#frame = frame
    this.count = (before?.count ?? 0) + (frame === undefined ? 0 : 1)
    this.bytes = (before?.bytes ?? 0) + (frame?.length ?? 0)
  }

  /** Append one frame, as a new batch. */
  plus(frame: Buffer): FrameBatch {
    if (this.#next === undefined || this.#next.#frame !== frame) this.#next = new FrameBatch(this, frame)
    return this.#next
  }

  /** Join all frames to one buffer. */
  join(): Buffer {
    this.#joined ??= this.count === 1 && this.#frame !== undefined ? this.#frame : Buffer.concat(this.#frames())
    return this.#joined
  }

  /** Join the frames to a few buffers of about so many bytes; none ends within a frame. */
  parts(bytes: number): readonly Buffer[] {
    this.#parts ??= this.bytes <= bytes ? [this.join()] : joinUpTo(this.#frames(), bytes)
    return this.#parts
  }

  #frames(): Buffer[] {
    const frames: Buffer[] = []
    for (let batch: FrameBatch | undefined = this; batch !== undefined; batch = batch.#before) {
      if (batch.#frame !== undefined) frames.push(batch.#frame)
    }
    return frames.reverse()
  }
}

function joinUpTo(frames: readonly Buffer[], maxBytes: number): Buffer[] {
  const parts: Buffer[][] = []
  let bytes = Infinity
  for (const frame of frames) {
    if (bytes + frame.length > maxBytes) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)?.push(frame)
    bytes += frame.length
  }
  return parts.map(part => (part.length === 1 && part[0] !== undefined ? part[0] : Buffer.concat(part)))
}

/** A connection that writes what it has queued. */
export interface Flushable {
  flush(): void
}

/** Factor of the pause after a long flush to its duration, and the bound of the pause, ms. */
const PAUSE_FACTOR = 3
const MAX_PAUSE_MS = 25
/** A flush up to this long is no load, ms. */
const SHORT_FLUSH_MS = 1

/**
 * Gathers what connections queue, and lets each write once. As long as writing is little work, that is at the end
 * of every turn of the event loop; when it is much, there is a pause, in which the frames of several turns gather:
 * a thousand small writes cost far more than a thousand larger ones. Replies do not wait for the pause.
 */
export class WriteScheduler {
  #waiting: Flushable[] = []
  #soon: Flushable[] = []
  #root = new FrameBatch()
  #isScheduled = false
  #nextAt = 0

  /** Begin the batch of a connection that has nothing queued. It will be flushed soon. */
  begin(connection: Flushable): FrameBatch {
    this.#waiting.push(connection)
    if (!this.#isScheduled) {
      this.#isScheduled = true
      const pauseMs = this.#nextAt - performance.now()
      if (pauseMs <= 0) setImmediate(() => this.#flush())
      else setTimeout(() => this.#flush(), pauseMs)
    }
    return this.#root
  }

  /** Flushes a connection at the end of this turn, with all that it has queued. */
  flushSoon(connection: Flushable): void {
    this.#soon.push(connection)
    if (this.#soon.length > 1) return
    setImmediate(() => {
      const soon = this.#soon
      this.#soon = []
      for (const it of soon) it.flush()
    })
  }

  #flush(): void {
    const startedAt = performance.now()
    this.#isScheduled = false
    const waiting = this.#waiting
    this.#waiting = []
    this.#root = new FrameBatch()
    for (const connection of waiting) connection.flush()
    const endedAt = performance.now()
    const tookMs = endedAt - startedAt
    this.#nextAt = tookMs > SHORT_FLUSH_MS ? endedAt + Math.min(MAX_PAUSE_MS, tookMs * PAUSE_FACTOR) : 0
  }
}
