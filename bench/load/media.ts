import { LightHttp } from './light-http.ts'
import type { Opening } from './seed-pictures.ts'
import { type Cost, Window } from './window.ts'
import type { Target } from './wire.ts'

const WARM_UP_MS = 1_000

/** Load of readers who open a conversation again and again, each over one connection. */
export interface OpenPictures {
  readonly target: Target
  /** One for each reader. */
  readonly openings: readonly Opening[]
  readonly seconds: number
}

/** Result of the load. */
export interface OpenedPictures extends Cost {
  readonly requests: number
  /** Bytes of bodies. */
  readonly bytes: number
}

/** Reads the page and then each thumbnail. */
export async function openPictures({ target, openings, seconds }: OpenPictures): Promise<OpenedPictures> {
  const counted = { requests: 0, bytes: 0 }
  let isOver = false
  const read = async ({ token, page, thumbnails }: Opening): Promise<void> => {
    const http = await LightHttp.open(target.url)
    const get = async (path: string, as?: string) => {
      const { status, bytes } = await http.get(path, as)
      if (status !== 200) throw new Error(`${path} was answered with ${status}`)
      counted.requests++
      counted.bytes += bytes
    }
    while (!isOver) {
      await get(page, token)
      for (const path of thumbnails) if (!isOver) await get(path)
    }
    http.close()
  }
  const readers = Promise.all(openings.map(read))
  await Promise.race([new Promise(resolve => setTimeout(resolve, WARM_UP_MS)), readers])
  const before = { ...counted }
  const window = new Window(target)
  await Promise.race([new Promise(resolve => setTimeout(resolve, seconds * 1_000)), readers])
  const cost = window.cost()
  const after = { requests: counted.requests - before.requests, bytes: counted.bytes - before.bytes }
  isOver = true
  await readers
  return { ...cost, ...after }
}
