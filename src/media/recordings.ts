import { open } from 'node:fs/promises'
import type { Input } from 'mediabunny'
import { FairGate } from '../limits/fair-gate.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { FileDoc } from './store.ts'

/** Bytes of a file that are read to know it: its tables of contents are taken apart in memory, at once. */
const MAX_BYTES = 6 * 2 ** 20
const MAX_SIDE = 100_000
/** Recordings that are looked at at once. */
const GATE = new FairGate({ width: 2, maxWaiting: 1_000, maxWaitingEach: 20 })

type Facts = Pick<FileDoc, 'durationSeconds' | 'width' | 'height'>

/** Facts of a sound or a film, as far as its container tells them soon. */
export async function readRecording(path: string, ownerId: string): Promise<Facts> {
  return await GATE.run({ party: ownerId }, async () => {
    const file = await open(path, 'r')
    try {
      return await factsOf(file)
    } catch {
      // It can be sent and fetched though nobody can tell what it is.
      return {}
    } finally {
      await file.close()
    }
  })
}

async function factsOf(file: Awaited<ReturnType<typeof open>>): Promise<Facts> {
  const { ALL_FORMATS, CustomSource, Input } = await import('mediabunny')
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
    return await readFacts(input)
  } finally {
    input.dispose()
  }
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
