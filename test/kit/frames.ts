/** A frame as a client writes it, right or wrong. */
export function frame(first: number, payload: Buffer | string, { isMasked = true, declared = -1 } = {}): Buffer {
  const data = Buffer.from(payload)
  const length = declared >= 0 ? declared : data.length
  const header = length < 126 ? Buffer.from([first, length]) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  header[0] = first
  if (header.length === 4) {
    header[1] = 126
    header.writeUInt16BE(length, 2)
  } else if (header.length === 10) {
    header[1] = 127
    header.writeBigUInt64BE(BigInt(length), 2)
  }
  if (!isMasked) return Buffer.concat([header, data])
  header[1] = (header[1] ?? 0) | 0x80
  return Buffer.concat([header, Buffer.alloc(4), data])
}

/** Where the frame that begins at a place has its payload. */
interface Frame {
  readonly first: number
  readonly start: number
  readonly end: number
}

/** Finds a frame as the server writes it, below 64 KiB. @returns undefined while it is not there whole */
export function frameAt(bytes: Buffer, at: number): Frame | undefined {
  const short = (bytes[at + 1] ?? 0) & 0x7f
  const start = at + (short === 126 ? 4 : 2)
  if (bytes.length < start) return undefined
  const end = start + (short === 126 ? bytes.readUInt16BE(at + 2) : short)
  return bytes.length < end ? undefined : { first: bytes[at] ?? 0, start, end }
}
