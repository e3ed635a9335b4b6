import { open } from 'node:fs/promises'
import { ALL_FORMATS, CustomSource, Input, type InputAudioTrack, MATROSKA, OGG, WAVE, WEBM } from 'mediabunny'
import { omitUndefined } from '../../omit-undefined.ts'
import type { FileDoc } from '../store.ts'
import { waveformOf } from './waveform.ts'

/** Bytes of a file that are read to know it: its tables of contents are taken apart in memory, at once. */
const MAX_BYTES = 6 * 2 ** 20
/** Bytes that are read of a sound to hear it. */
const MAX_HEARD_BYTES = 48 * 2 ** 20
const MAX_SIDE = 100_000

export type Facts = Pick<FileDoc, 'durationSeconds' | 'width' | 'height' | 'waveform'>

/** Reads a recording, and tells each of its facts as soon as it is known. @throws for what is broken */
export async function tellFacts(path: string, tell: (facts: Facts) => void): Promise<void> {
  const file = await open(path, 'r')
  let left = MAX_BYTES
  const source = new CustomSource({
    getSize: async () => (await file.stat()).size,
    read: async (start, end) => {
      left -= end - start
      if (left < 0) throw new Error('Too much would have to be read')
      return (await file.read(Buffer.alloc(end - start), 0, end - start, start)).buffer
    },
    handleUnhandledError: () => undefined
  })
  const input = new Input({ formats: ALL_FORMATS, source })
  try {
    const sound = await soundOf(input)
    if (sound !== null) left = MAX_HEARD_BYTES
    tell(await readFacts(input))
    const waveform = sound === null ? undefined : await waveformOf(sound)
    tell(omitUndefined({ waveform }))
  } finally {
    input.dispose()
    await file.close()
  }
}

/** Sound of a file that has no pictures, in a container that is read from its beginning to its end. */
async function soundOf(input: Input): Promise<InputAudioTrack | null> {
  const format = await input.getFormat()
  const isStream = [OGG, WEBM, MATROSKA, WAVE].some(it => it === format)
  return isStream && (await input.getPrimaryVideoTrack()) === null ? await input.getPrimaryAudioTrack() : null
}

async function readFacts(input: Input): Promise<Facts> {
  const seconds = (await input.getDurationFromMetadata()) ?? (await input.computeDuration())
  const track = await input.getPrimaryVideoTrack()
  const side = (pixels: number | undefined) =>
    pixels !== undefined && Number.isInteger(pixels) && pixels > 0 && pixels <= MAX_SIDE ? pixels : undefined
  return omitUndefined({
    durationSeconds: Number.isFinite(seconds) && seconds >= 0 && seconds <= 1_000_000 ? seconds : undefined,
    width: side(track?.displayWidth),
    height: side(track?.displayHeight)
  })
}
