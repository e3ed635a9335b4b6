import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import { boundedMap } from '../../limits/bounded-map.ts'
import { FairGate } from '../../limits/fair-gate.ts'
import { rateOf, TokenBuckets } from '../../limits/token-buckets.ts'
import type { AttachmentDoc, PictureDoc, PreviewDoc } from '../../store/documents.ts'
import { type FetchedAnswer, FetchRefused, type GuardedFetch } from './guarded-fetch.ts'
import { type PageWords, readPage } from './page.ts'

/** Time for a page and its picture, ms. */
const LIMIT_MS = 5_000
/** Bytes of a page that are read. */
const PAGE_BYTES = 524_288
const PICTURE_MEBIBYTES = 5
/** Previews that are remembered, and for how long, ms; shorter where there was none. */
const KNOWN = 10_000
const KNOWN_MS = 3_600_000
const FAILED_MS = 600_000
/** Pages that are fetched at once: in all, and for one person. */
const GATE = { width: 32, widthEach: 4, maxWaiting: 1_000 }
const ACCEPT_PAGE = 'text/html,application/xhtml+xml,image/*;q=0.5'
const ACCEPT_PICTURE = 'image/jpeg,image/png,image/webp,image/gif,image/avif'
const PAGES = new Set(['text/html', 'application/xhtml+xml'])
const END_OF_HEAD = /<\/head\s*>/i
const END_LENGTH = 16

/** Files that previews have. */
export interface PreviewFilesPort {
  /** As of sending. @throws {AppError} `not_found` for one that is removed */
  attach(actor: Actor, attachments: readonly AttachmentDoc[]): Promise<AttachmentDoc[]>
  /** Keeps a picture that belongs to nobody. @throws {AppError} */
  keepPicture(bytes: Readable, maxMebibytes: number): Promise<PictureDoc>
}

interface MakerDeps {
  readonly fetcher: GuardedFetch
  readonly files: PreviewFilesPort
  readonly config: Pick<Config, 'limits'>
  readonly onError: (error: unknown) => void
}

/** Preview of a link, wherever it is posted. */
type Made = Omit<PreviewDoc, 'url'>

/** Makes previews of links, each once in an hour however often it is posted. */
export class PreviewMaker {
  readonly #deps: MakerDeps
  readonly #known = boundedMap<Promise<Made | undefined>>(KNOWN, { ttl: KNOWN_MS })
  readonly #gate = new FairGate(GATE)
  readonly #turns: TokenBuckets

  constructor(deps: MakerDeps) {
    this.#deps = deps
    this.#turns = new TokenBuckets(rateOf(deps.config.limits.previewsPerMinute, 60_000))
  }

  /**
   * The preview of a link; nothing where its page has none, cannot be had, or the person has posted too many.
   * @param signal ends it; what comes out then means nothing, and is forgotten
   */
  async make(link: string, senderId: string, signal: AbortSignal): Promise<Made | undefined> {
    const key = keyOf(link)
    for (;;) {
      const known = this.#known.get(key)
      if (known === undefined && this.#turns.tryTake(senderId) > 0) return undefined
      const made = known ?? this.#begin(key, link, senderId, signal)
      const preview = await made
      if (preview?.picture === undefined || (await this.#isKept(preview.picture, senderId))) return preview
      // Its picture was removed meanwhile.
      if (this.#known.get(key) === made) this.#known.delete(key)
    }
  }

  #begin(key: string, link: string, senderId: string, signal: AbortSignal): Promise<Made | undefined> {
    const made = this.#gate
      .run(
        { party: senderId },
        async () => await this.#fetch(link, AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]))
      )
      .catch((error: unknown) => this.#failed(error))
      .then(preview => {
        if (signal.aborted) this.#known.delete(key)
        else if (preview === undefined) this.#known.set(key, Promise.resolve(undefined), { ttl: FAILED_MS })
        return preview
      })
    this.#known.set(key, made)
    return made
  }

  async #fetch(link: string, signal: AbortSignal): Promise<Made | undefined> {
    const found = await this.#deps.fetcher.get(link, { accept: ACCEPT_PAGE, signal }, async answer =>
      answer.mimeType.startsWith('image/')
        ? { picture: await this.#keep(answer.body, signal) }
        : await readPage(await bytesOf(answer), answer.charset, answer.url)
    )
    if ('picture' in found) return found
    const { pictureUrl, ...words }: PageWords = found
    const picture = pictureUrl === undefined ? undefined : await this.#pictureAt(pictureUrl, signal)
    // A page that says nothing of itself needs no preview.
    if (words.title === undefined && picture === undefined) return undefined
    return { ...words, ...(picture && { picture }) }
  }

  /** A page whose picture cannot be had has a preview without one. */
  async #pictureAt(address: string, signal: AbortSignal): Promise<PictureDoc | undefined> {
    const options = { accept: ACCEPT_PICTURE, signal }
    return await this.#deps.fetcher
      .get(address, options, async ({ body }) => await this.#keep(body, signal))
      .catch((error: unknown) => this.#failed(error))
  }

  /** Keeps a picture within the time; one that takes longer is not shown, and goes after a day like all that is unused. */
  async #keep(body: Readable, signal: AbortSignal): Promise<PictureDoc> {
    signal.throwIfAborted()
    const kept = this.#deps.files.keepPicture(body, PICTURE_MEBIBYTES)
    const isOver = once(signal, 'abort').then(() => {
      throw signal.reason
    })
    return await Promise.race([kept, isOver])
  }

  async #isKept({ fileId }: PictureDoc, userId: string): Promise<boolean> {
    const actor = { userId, expiresAt: Number.POSITIVE_INFINITY }
    try {
      await this.#deps.files.attach(actor, [{ type: 'image', fileId }])
      return true
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return false
      throw error
    }
  }

  /** Reports a failure, unless it is of somebody else's server. */
  #failed(error: unknown): undefined {
    if (!isOfOthers(error)) this.#deps.onError(error)
    return undefined
  }
}

/** Address as it is fetched: what comes after `#` is not sent. */
function keyOf(link: string): string {
  const url = new URL(link)
  url.hash = ''
  return url.href
}

/** The beginning of a page, at least up to the end of its head. */
async function bytesOf({ mimeType, body }: FetchedAnswer): Promise<Buffer> {
  if (!PAGES.has(mimeType)) throw new FetchRefused('It is no page')
  const chunks: Buffer[] = []
  let length = 0
  let last = ''
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    last = last.slice(-END_LENGTH) + chunk.toString('latin1')
    if (length >= PAGE_BYTES || END_OF_HEAD.test(last)) break
  }
  return Buffer.concat(chunks).subarray(0, PAGE_BYTES)
}

/** Whether the cause is a refusal, or the other server and the way to it: systems, packing and TLS have codes of text. */
function isOfOthers(error: unknown): boolean {
  if (error instanceof FetchRefused || error instanceof AppError) return true
  if (!(error instanceof Error)) return false
  return ['AbortError', 'TimeoutError'].includes(error.name) || ('code' in error && typeof error.code === 'string')
}
