/** A silent recording of so many seconds: 8 kHz, one channel, 8 bits. */
export function wavOf(seconds: number): Uint8Array<ArrayBuffer> {
  return wavFrom(Buffer.alloc(8_000 * seconds, 128), { bytes: 1, channels: 1 })
}

/** A recording of samples as they are, 8 kHz. @param bytes of a sample */
export function wavFrom(data: Buffer, { bytes, channels }: { bytes: number; channels: number }) {
  const rate = 8_000
  const head = Buffer.alloc(44)
  head.write('RIFF', 0)
  head.writeUInt32LE(36 + data.length, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(channels, 22)
  head.writeUInt32LE(rate, 24)
  head.writeUInt32LE(rate * bytes * channels, 28)
  head.writeUInt16LE(bytes * channels, 32)
  head.writeUInt16LE(bytes * 8, 34)
  head.write('data', 36)
  head.writeUInt32LE(data.length, 40)
  return new Uint8Array(Buffer.concat([head, data]))
}
