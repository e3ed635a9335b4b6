import { setTimeout as delay } from 'node:timers/promises'
import { MessageEdited } from '../../../protocol/messages/events.ts'
import type { PeriodicJob } from '../../jobs/index.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Commits } from '../../store/commit/commits.ts'
import type { PreviewDoc } from '../../store/documents.ts'
import { replaceMessage } from '../changing.ts'
import { firstLink } from './links.ts'
import type { PreviewMaker } from './making.ts'
import type { DuePreview, DuePreviewStore } from './store.ts'

/** Messages that are looked at at once: more than one person can bring, so that others come between theirs. */
const UNDER_WAY = 128
/** Time of one run, ms, and pause between two looks within it: what comes then does not wait for what is slow. */
const RUN_MS = 20_000
const LOOK_MS = 250
/** Time after which what failed is tried again, ms. */
const LATER_MS = 60_000
/** Bytes of a preview, about. */
const PREVIEW_BYTES = 4_096

interface PreviewingDeps {
  readonly store: { readonly commits: Commits; readonly duePreviews: DuePreviewStore }
  readonly maker: Pick<PreviewMaker, 'make'>
  readonly onError: (error: unknown) => void
  /** Pause between two runs, ms. */
  readonly everyMs: number
}

/**
 * The job of one server that gives messages the previews of their links. A message says itself that it waits for one,
 * so that a server that dies leaves it to the next; what it says then is compared, so that it gets one once.
 */
export class Previewing implements PeriodicJob {
  readonly name = 'link-previews'
  readonly everyMs: number
  readonly #deps: PreviewingDeps

  constructor(deps: PreviewingDeps) {
    this.#deps = deps
    this.everyMs = deps.everyMs
  }

  async run(signal: AbortSignal): Promise<void> {
    const { duePreviews } = this.#deps.store
    const until = performance.now() + RUN_MS
    const underWay = new Map<DuePreview['_id'], Promise<void>>()
    const begin = (due: DuePreview): void => {
      underWay.set(
        due._id,
        this.#look(due, signal).finally(() => underWay.delete(due._id))
      )
    }
    do {
      const free = UNDER_WAY - underWay.size
      if (free > 0) for (const due of await duePreviews.find(free, [...underWay.keys()])) begin(due)
      if (underWay.size > 0) await Promise.race([Promise.all(underWay.values()), delay(LOOK_MS)])
    } while (underWay.size > 0 && performance.now() < until && !signal.aborted)
    await Promise.all(underWay.values())
  }

  /** Looks at one message. Never rejects: what fails is reported, and tried again later. */
  async #look(due: DuePreview, signal: AbortSignal): Promise<void> {
    const { onError, store } = this.#deps
    try {
      await this.#show(due, signal)
    } catch (error) {
      onError(error)
      await store.duePreviews.putOff(due, LATER_MS).catch(onError)
    }
  }

  async #show(due: DuePreview, signal: AbortSignal): Promise<void> {
    const { duePreviews } = this.#deps.store
    const link = await firstLink(due.text ?? '')
    if (link !== undefined && due.preview?.url === link) return await duePreviews.finish(due)
    const made = link && (await this.#deps.maker.make(link, due.senderId.toHexString(), signal))
    // It is left to the next one.
    if (signal.aborted) return
    const preview = link && made ? { url: link, ...made } : undefined
    const isWritten = (preview ?? due.preview) !== undefined && (await this.#write(due, preview))
    if (!isWritten) await duePreviews.finish(due)
  }

  /** @returns false where the message was deleted or edited meanwhile, or another server was first */
  async #write({ _id, conversationId, text, previewDueAt }: DuePreview, preview?: PreviewDoc): Promise<boolean> {
    return await this.#deps.store.commits.run(conversationId.toHexString(), {
      messageId: _id,
      withAnswered: true,
      bytes: PREVIEW_BYTES,
      decide: draft => {
        const message = draft.message(_id)
        const isSame = message?.previewDueAt?.getTime() === previewDueAt.getTime() && message.text === text
        if (message === undefined || !isSame) return false
        const { preview: _, previewDueAt: __, ...rest } = message
        replaceMessage(draft, { ...rest, ...omitUndefined({ preview }) }, MessageEdited, presented => presented)
        return true
      }
    })
  }
}
