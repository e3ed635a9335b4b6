import { ObjectId } from '../../database/object-id.ts'
import type { ConversationStore, MessageHead } from '../../store/conversations.ts'
import { BLOCK_SIZE, type Block, cutBlocks, seqsOf } from './cut.ts'
import type { Mark, SearchBlockStore } from './store.ts'

/** Blocks that one step makes, or makes anew. */
const STEP = 4
/** Changed messages that one step looks at. */
const MAX_CHANGED = 500
/** Messages that are worth a block of their own: fewer share too few words. */
const MIN_TAIL = 64

/** Mark of a conversation without an index. */
export const NONE: Mark = { seq: 0, rev: 0 }

interface SealerDeps {
  readonly store: { readonly searchBlocks: SearchBlockStore; readonly conversations: ConversationStore }
}

/** Options of an update of an index. */
interface Sealing {
  /** Whether messages that fill no block are indexed too, where they are worth it. */
  readonly isIdle?: boolean
  /** Moment of `performance.now()` at which it may stop before it is done. */
  readonly deadline?: number
}

/** Blocks that an update of an index makes anew, and up to which `rev` that takes the changes of messages into it. */
interface Renewal {
  readonly spans: readonly number[]
  readonly rev: number
  readonly isAll: boolean
}

/**
 * Keeps the blocks of the search: seals messages that fill one, and makes those anew whose messages were edited or
 * deleted. Every step leaves a whole index behind, whoever else takes it at the same time.
 */
export class Sealer {
  readonly #store: SealerDeps['store']

  constructor({ store }: SealerDeps) {
    this.#store = store
  }

  /**
   * Brings the index of a conversation up to date, at least by one step.
   * @returns its mark, and whether that is done
   */
  async update(conversationId: string, sealing: Sealing = {}): Promise<{ mark: Mark; isDone: boolean }> {
    const id = new ObjectId(conversationId)
    for (;;) {
      const mark = (await this.#store.searchBlocks.marks([id])).get(conversationId)
      // The mark first, the messages last: whatever changes in between is looked at again.
      const [head] = await this.#store.conversations.messageHeads([id])
      if (head === undefined || !isBehind(head, mark, sealing.isIdle)) return { mark: mark ?? NONE, isDone: true }
      await this.#step(head, mark, sealing.isIdle === true)
      if (performance.now() > (sealing.deadline ?? Infinity)) return { mark: await this.#markOf(id), isDone: false }
    }
  }

  async #markOf(id: ObjectId): Promise<Mark> {
    return (await this.#store.searchBlocks.marks([id])).get(id.toHexString()) ?? NONE
  }

  async #step(head: MessageHead, before: Mark | undefined, isIdle: boolean): Promise<void> {
    const { searchBlocks } = this.#store
    const mark = before ?? NONE
    const { spans, rev, isAll } = await this.#renewalOf(head, mark)
    const renewed: Block[] = []
    for (const span of spans) {
      const { from, to } = seqsOf(span)
      renewed.push(...(await cutBlocks(await searchBlocks.messages(head._id, from, to), true)))
    }
    const { added, seq } =
      isAll && spans.length === 0 ? await this.#newBlocks(head, mark, isIdle) : { added: [], seq: mark.seq }
    await searchBlocks.replace({
      conversationId: head._id,
      before,
      mark: { seq, rev },
      dropped: spans,
      added: [...renewed, ...added]
    })
  }

  async #renewalOf(head: MessageHead, mark: Mark): Promise<Renewal> {
    if (!isChanged(head, mark)) return { spans: [], rev: head.rev, isAll: true }
    const { searchBlocks } = this.#store
    const changed = await searchBlocks.changed(head._id, mark, MAX_CHANGED)
    const covering = await searchBlocks.covering(
      head._id,
      changed.map(({ seq }) => seq)
    )
    const spans = new Set<number>()
    for (const { seq, rev } of changed) {
      const span = covering.find(it => seqsOf(it).from <= seq && seq <= seqsOf(it).to)
      if (span === undefined || spans.has(span)) continue
      if (spans.size === STEP) return { spans: [...spans], rev: rev - 1, isAll: false }
      spans.add(span)
    }
    const isAll = changed.length < MAX_CHANGED
    return { spans: [...spans], rev: isAll ? head.rev : (changed.at(-1)?.rev ?? head.rev), isAll }
  }

  async #newBlocks(head: MessageHead, mark: Mark, isIdle: boolean): Promise<{ added: Block[]; seq: number }> {
    const to = Math.min(head.seq, mark.seq + STEP * BLOCK_SIZE)
    const messages = await this.#store.searchBlocks.messages(head._id, mark.seq + 1, to)
    // Where some are missing, what is there is a block, so that it goes on.
    const hasGap = to - mark.seq >= BLOCK_SIZE && messages.length < to - mark.seq
    const added = await cutBlocks(messages, hasGap || (isIdle && to === head.seq))
    const last = added.at(-1)
    if (last !== undefined) return { added, seq: seqsOf(last.span).to }
    return { added, seq: messages.length === 0 ? to : mark.seq }
  }
}

/** Whether an index lacks something. @param isIdle whether messages that fill no block count */
export function isBehind(head: MessageHead, mark: Mark = NONE, isIdle = false): boolean {
  return isChanged(head, mark) || head.seq - mark.seq >= (isIdle ? MIN_TAIL : BLOCK_SIZE)
}

/** Whether indexed messages may have changed since. */
export function isChanged({ changedMessageRev = 0 }: MessageHead, mark: Mark): boolean {
  return mark.seq > 0 && changedMessageRev > mark.rev
}
