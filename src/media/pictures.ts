import { stat } from 'node:fs/promises'
import type { Metadata, Sharp } from 'sharp'
import { AppError } from '../errors.ts'
import { FairGate } from '../limits/fair-gate.ts'
import type { FileDoc, VariantDoc } from './store.ts'

/** Largest pixels of one frame, frames, and pixels of all of them: some formats say much in few bytes. */
const MAX_PIXELS = 40_000_000
const MAX_FRAMES = 500
const MAX_PIXELS_IN_ALL = 400_000_000
/** Longest sides of the smaller pictures, pixels. */
const SIDES = { preview: 1_280, thumbnail: 320 } as const
const HASH_SIDE = 100
/** Pictures that are worked on at once: each takes up to 200 MB. */
const GATE = new FairGate({ width: 2, maxWaiting: 1_000, maxWaitingEach: 20 })
const LIMIT_SECONDS = 20
/** Pictures that nobody waits for and that may be in the line; uploads go before them. */
const MAX_WAITING_FETCHED = 16

/** A picture as it is kept. */
export interface Picture extends Pick<FileDoc, 'variants' | 'thumbhash' | 'width' | 'height'> {
  /** Files of this machine with its forms. */
  readonly paths: { readonly original: string; readonly preview: string; readonly thumbnail: string }
}

/** The smaller ones of a picture. */
export interface SmallPicture {
  readonly variants: FileDoc['variants']
  readonly thumbhash: string
  /** Sides of the larger one of them, pixels. */
  readonly width: number
  readonly height: number
  readonly paths: Omit<Picture['paths'], 'original'>
}

/**
 * Turns a picture upright and writes it anew, so that nothing is left of where and by what it was taken, nor of
 * anything else that hides in it; and makes two smaller ones. What is animated stays so.
 * @throws {AppError} `invalid` for what cannot be read, `too_large` for too many pixels or frames, `busy`
 */
export async function readPicture(path: string, ownerId: string): Promise<Picture> {
  return await GATE.run({ party: ownerId }, async () => await process(path))
}

/**
 * Makes the two smaller ones of a picture that nobody waits for. @returns them, with the size of the larger one
 * @throws {AppError} as `readPicture`
 */
export async function readSmallPicture(path: string, ownerId: string): Promise<SmallPicture> {
  const turn = { party: ownerId, maxWaiting: MAX_WAITING_FETCHED, isUrgent: false }
  return await GATE.run(turn, async () => await reading(path, async open => await smallerOnes(open(false), path)))
}

async function process(path: string): Promise<Picture> {
  return await reading(path, async (open, metadata) => {
    const isAnimated = (metadata.pages ?? 1) > 1
    const original = `${path}.original`
    const upright = isAnimated ? open(true) : open(false).autoOrient()
    const { width, height, pageHeight = height } = await inFormat(upright, metadata.format).toFile(original)
    const made = await smallerOnes(open(false), path)
    return { ...made, width, height: pageHeight, paths: { original, ...made.paths } }
  })
}

/** Opens a picture and reads of it, once it is known to be not too large. */
async function reading<T>(
  path: string,
  read: (open: (animated: boolean) => Sharp, metadata: Metadata) => Promise<T>
): Promise<T> {
  const { default: sharp } = await import('sharp')
  sharp.cache(false)
  const open = (animated: boolean) =>
    sharp(path, { animated, limitInputPixels: MAX_PIXELS_IN_ALL, failOn: 'error' }).timeout({ seconds: LIMIT_SECONDS })
  try {
    const metadata = await open(false).metadata()
    requireSize(metadata)
    return await read(open, metadata)
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('invalid', 'The picture cannot be read', { cause: error })
  }
}

/** @throws {AppError} `too_large` */
function requireSize({ width, height, pages = 1, pageHeight = height }: Metadata): void {
  const pixels = width * pageHeight
  if (pixels > MAX_PIXELS) throw new AppError('too_large', `A picture has ${MAX_PIXELS} pixels at most`)
  if (pages > MAX_FRAMES || pixels * pages > MAX_PIXELS_IN_ALL)
    throw new AppError('too_large', `An animation has ${MAX_FRAMES} frames and ${MAX_PIXELS_IN_ALL} pixels at most`)
}

function inFormat(picture: Sharp, format: Metadata['format']): Sharp {
  if (format === 'jpeg') return picture.jpeg({ quality: 90 })
  if (format === 'png') return picture.png()
  if (format === 'gif') return picture.gif()
  if (format === 'webp') return picture.webp({ quality: 90 })
  if (format === 'heif') return picture.avif({ quality: 70 })
  throw new AppError('invalid', `Pictures in the format ${format} are not taken`)
}

/** The smaller ones are of the first frame. */
async function smallerOnes(still: Sharp, path: string): Promise<SmallPicture> {
  const { rgbaToThumbHash } = await import('thumbhash')
  const variants: Record<string, VariantDoc> = {}
  const paths = { preview: `${path}.preview`, thumbnail: `${path}.thumbnail` }
  const shrink = async (name: keyof typeof SIDES) => {
    const size = { width: SIDES[name], height: SIDES[name], fit: 'inside' as const, withoutEnlargement: true }
    const { width, height } = await still.clone().autoOrient().resize(size).webp({ quality: 80 }).toFile(paths[name])
    variants[name] = { mimeType: 'image/webp', bytes: (await stat(paths[name])).size }
    return { width, height }
  }
  const sides = await shrink('preview')
  await shrink('thumbnail')
  const size = { width: HASH_SIDE, height: HASH_SIDE, fit: 'inside' as const }
  const { data, info } = await still.clone().autoOrient().resize(size).ensureAlpha().raw().toBuffer({
    resolveWithObject: true
  })
  const thumbhash = Buffer.from(rgbaToThumbHash(info.width, info.height, data)).toString('base64')
  return { variants, paths, thumbhash, ...sides }
}
