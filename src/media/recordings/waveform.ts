import { type EncodedPacket, EncodedPacketSink, type InputAudioTrack } from 'mediabunny'
import { OpusDecoder } from 'opus-decoder'

/** Numbers of a waveform. */
const BARS = 100
/** Time of each that is listened to, seconds, and packets: of a recording of more than a hundred seconds a part. */
const SECONDS_EACH = 1
const PACKETS_EACH = 50
/** Settings of the decoder: one stream of one channel, into which two are mixed, at a rate that is enough for loudness. */
const OPUS = {
  ...{ channels: 1, streamCount: 1, coupledStreamCount: 0, channelMappingTable: [0] },
  sampleRate: 8_000 as const
}
/** Samples of a packet that are counted, at most. */
const SAMPLES_EACH = 240
/** Loudness that the greatest number stands for where nothing is louder: what is nearly silent looks so. */
const QUIET = 0.02

/** Decoder of packets, to samples from -1 to 1; none of a packet that is broken. */
interface Decoder {
  decode(bytes: Uint8Array): ArrayLike<number>
  free(): void
}

/** Loudness of the parts of a recording. */
class Loudness {
  readonly #squares = new Float64Array(BARS)
  readonly #counts = new Uint32Array(BARS)
  readonly #start: number
  readonly #barSeconds: number

  constructor(start: number, end: number) {
    this.#start = start
    this.#barSeconds = (end - start) / BARS
  }

  startOf(bar: number): number {
    return this.#start + bar * this.#barSeconds
  }

  add(samples: ArrayLike<number>, { timestamp, duration }: Pick<EncodedPacket, 'timestamp' | 'duration'>): void {
    const step = Math.max(1, Math.floor(samples.length / SAMPLES_EACH))
    for (let index = 0; index < samples.length; index += step) {
      const at = timestamp + (index / samples.length) * duration - this.#start
      const bar = Math.floor(at / this.#barSeconds)
      if (!(bar >= 0 && bar < BARS)) continue
      this.#squares[bar] = (this.#squares[bar] ?? 0) + (samples[index] ?? 0) ** 2
      this.#counts[bar] = (this.#counts[bar] ?? 0) + 1
    }
  }

  /** Numbers from 0 to 255, the greatest where it is loudest; `undefined` where nothing was heard. */
  bars(): number[] | undefined {
    if (this.#counts.every(count => count === 0)) return undefined
    const levels = Array.from(this.#squares, (sum, bar) => Math.sqrt(sum / Math.max(1, this.#counts[bar] ?? 0)))
    const loudest = Math.max(QUIET, ...levels)
    return levels.map(level => Math.round((level / loudest) * 255))
  }
}

/**
 * Loudness of a recording over time, a hundred numbers from 0 to 255; `undefined` for what is neither Opus nor PCM. It
 * costs the same however long the recording is: each hundredth is heard from its beginning for so many packets.
 */
export async function waveformOf(track: InputAudioTrack): Promise<number[] | undefined> {
  const decoder = await decoderOf(track)
  if (decoder === undefined) return undefined
  try {
    return await listen(track, decoder)
  } finally {
    decoder.free()
  }
}

async function listen(track: InputAudioTrack, decoder: Decoder): Promise<number[] | undefined> {
  const [start, end] = [await track.getFirstTimestamp(), await track.computeDuration()]
  if (!(end > start)) return undefined
  const sink = new EncodedPacketSink(track)
  const loudness = new Loudness(start, end)
  let packet = await sink.getFirstPacket()
  for (let bar = 0; bar < BARS && packet !== null; bar++) {
    const next = loudness.startOf(bar + 1)
    const until = Math.min(next, loudness.startOf(bar) + SECONDS_EACH)
    for (let left = PACKETS_EACH; packet !== null && packet.timestamp < until && left > 0; left--) {
      loudness.add(decoder.decode(packet.data), packet)
      packet = await sink.getNextPacket(packet)
    }
    if (packet !== null && packet.timestamp < next) packet = await sink.getPacket(next)
  }
  return loudness.bars()
}

/** Readers of one sample; by the names of mediabunny. */
const PCM: Readonly<Record<string, { bytes: number; read: (view: DataView, at: number) => number }>> = {
  'pcm-u8': { bytes: 1, read: (view, at) => view.getUint8(at) / 128 - 1 },
  'pcm-s16': { bytes: 2, read: (view, at) => view.getInt16(at, true) / 2 ** 15 },
  'pcm-s24': { bytes: 3, read: (view, at) => view.getInt16(at + 1, true) / 2 ** 15 },
  'pcm-s32': { bytes: 4, read: (view, at) => view.getInt32(at, true) / 2 ** 31 },
  'pcm-f32': { bytes: 4, read: (view, at) => Math.max(-1, Math.min(1, view.getFloat32(at, true))) || 0 }
}

async function decoderOf({ codec, numberOfChannels }: InputAudioTrack): Promise<Decoder | undefined> {
  if (codec === 'opus' && numberOfChannels <= 2) {
    const opus = new OpusDecoder(OPUS)
    await opus.ready
    return { decode: bytes => opus.decodeFrame(bytes).channelData[0] ?? [], free: () => opus.free() }
  }
  const pcm = PCM[codec ?? '']
  return pcm && { decode: bytes => samplesOf(bytes, pcm), free: () => undefined }
}

/** Samples of all channels, one after the other; of many some. */
function samplesOf(packet: Uint8Array, { bytes, read }: NonNullable<(typeof PCM)[string]>): number[] {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const count = Math.floor(packet.byteLength / bytes)
  const step = Math.max(1, Math.floor(count / SAMPLES_EACH))
  return Array.from({ length: Math.floor(count / step) }, (_, index) => read(view, index * step * bytes))
}
