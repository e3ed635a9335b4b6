import { omitUndefined } from '../omit-undefined.ts'
import type { FileDoc } from './store.ts'

const LIMIT_MS = 10_000
const MAX_SIDE = 100_000

/** Facts of a sound or a film, as far as its container tells them. */
export async function readRecording(path: string): Promise<Pick<FileDoc, 'durationSeconds' | 'width' | 'height'>> {
  const { ALL_FORMATS, FilePathSource, Input } = await import('mediabunny')
  const input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) })
  const late = AbortSignal.timeout(LIMIT_MS)
  try {
    return await Promise.race([
      factsOf(input),
      new Promise<never>((_, reject) => late.addEventListener('abort', () => reject(late.reason)))
    ])
  } catch {
    // It can be sent and fetched though nobody can tell what it is.
    return {}
  } finally {
    input.dispose()
  }
}

async function factsOf(input: InstanceType<typeof import('mediabunny').Input>) {
  const seconds = await input.computeDuration()
  const track = await input.getPrimaryVideoTrack()
  const side = (pixels: number | undefined) =>
    pixels !== undefined && Number.isInteger(pixels) && pixels > 0 && pixels <= MAX_SIDE ? pixels : undefined
  return omitUndefined({
    durationSeconds: Number.isFinite(seconds) && seconds >= 0 && seconds <= 1_000_000 ? seconds : undefined,
    width: side(track?.displayWidth),
    height: side(track?.displayHeight)
  })
}
