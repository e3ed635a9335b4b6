import type { ObjectId } from '../database/object-id.ts'
import type { MessageHead } from '../store/conversations.ts'
import type { View } from '../store/view.ts'
import { BLOCK_SIZE, seqsOf } from './blocks/cut.ts'
import { isChanged, type Sealer } from './blocks/sealer.ts'
import type { FoundBlock, Mark, SearchBlockStore } from './blocks/store.ts'
import { findCandidates, findStraddling } from './candidates.ts'
import type { Term } from './facets.ts'
import { Found } from './found.ts'
import { Pauses } from './pauses.ts'
import { type BlockPlace, compareIds, comparePlaces, type Place, type Position } from './position.ts'
import type { Candidate, SearchedMessages, Stretch, Wanted } from './store.ts'
import { hitsOf, type Query } from './text/query.ts'

/** Conversations whose messages outside of blocks are looked at together, and blocks that are. */
const NEAR = 25
const BLOCKS = 8
/** Messages outside of blocks that are looked at all the same, where sealing them takes too long; and changes. */
const MAX_OPEN = BLOCK_SIZE * 4
const MAX_CHANGES = 2_000

/** A conversation of the person who searches. */
export interface Searched {
  readonly view: View
  readonly head: MessageHead
  readonly mark: Mark
}

/** Messages to find. */
export interface Search {
  /** Conversations in the order of their ids. */
  readonly conversations: readonly Searched[]
  readonly wanted: Wanted
  readonly query: Query | undefined
  /** Terms that a block must have. */
  readonly terms: readonly Term[]
}

interface WalkDeps {
  readonly store: { readonly searchBlocks: SearchBlockStore; readonly searchedMessages: SearchedMessages }
  readonly sealer: Sealer
}

/** Messages that were found, the newest first. */
export interface Walked {
  readonly places: readonly Place[]
  /** Where to go on; undefined at the end. */
  readonly position: Position | undefined
  /** Whether it stopped before the page was full, for its time was over. */
  readonly isStopped: boolean
}

/**
 * Walk along the messages of a person, the newest first. It looks at what is in no block yet, conversation by
 * conversation, and then at the blocks that have all terms, in the order in which they end: what is newer than the end
 * of the next block is certain to come next. It can be left at any point and continued by its position.
 */
export class Walk {
  readonly #deps: WalkDeps
  readonly #search: Search
  #after: Place | undefined
  #looked: ObjectId | undefined
  #block: BlockPlace | undefined
  #found: Found
  readonly #taken: Place[] = []
  readonly #pauses = new Pauses()

  constructor(deps: WalkDeps, search: Search, { after, floor, looked, block, found }: Position) {
    this.#deps = deps
    this.#search = search
    this.#after = after
    this.#looked = looked
    this.#block = block
    this.#found = new Found(found, floor)
  }

  /** Goes on until so many messages are found, to the end, or until a moment of `performance.now()`. */
  async run(limit: number, deadline: number): Promise<Walked> {
    for (;;) {
      const isOver = (await this.#lookNear(deadline)) && (await this.#lookIntoBlocks(limit, deadline))
      if (isOver) this.#take(limit)
      const isFull = this.#taken.length >= limit
      const isEmpty = this.#found.places.length === 0
      if (isOver && isEmpty && this.#found.floor === undefined) return this.#walked(false, true)
      if (isFull || !isOver) return this.#walked(!isFull, false)
      // What did not fit is looked for again, behind what was taken.
      this.#looked = undefined
      this.#block = undefined
      this.#found = new Found([], undefined)
    }
  }

  #walked(isStopped: boolean, isAtEnd: boolean): Walked {
    const [after, looked, block] = [this.#after, this.#looked, this.#block]
    const { places: found, floor } = this.#found
    const position = isAtEnd ? undefined : { after, floor, looked, block, found }
    return { places: this.#taken, position, isStopped }
  }

  #take(limit: number, newerThan?: Date): void {
    this.#taken.push(...this.#found.take(limit - this.#taken.length, newerThan))
    this.#after = this.#taken.at(-1) ?? this.#after
  }

  /** Looks at messages that are in no block, or may have changed since they were. @returns whether that is done */
  async #lookNear(deadline: number): Promise<boolean> {
    const { conversations } = this.#search
    const looked = this.#looked
    const left = conversations.filter(({ head }) => looked === undefined || compareIds(head._id, looked) > 0)
    if (left.length === 0) return true
    const ids = left.map(({ head }) => head._id)
    const straddling = await this.#straddling(ids)
    for (let at = 0; at < left.length; at += NEAR) {
      const stretches: Stretch[] = []
      for (const one of left.slice(at, at + NEAR)) {
        const near = await this.#nearOf(one, straddling.get(one.head._id.toHexString()), deadline)
        if (near === undefined) return await this.#leave(stretches)
        stretches.push(...near)
        this.#looked = one.head._id
      }
      await this.#read(stretches)
      if (performance.now() > deadline && at + NEAR < left.length) return false
    }
    return true
  }

  async #straddling(conversationIds: readonly ObjectId[]): Promise<ReadonlyMap<string, number>> {
    if (this.#after === undefined) return new Map()
    const { terms } = this.#search
    return await findStraddling(this.#deps.store.searchBlocks, { conversationIds, terms }, this.#after.at)
  }

  async #leave(stretches: readonly Stretch[]): Promise<false> {
    await this.#read(stretches)
    return false
  }

  /** @returns undefined where there is more than can be looked at, and sealing it takes longer */
  async #nearOf(
    { view, head, mark: before }: Searched,
    span: number | undefined,
    deadline: number
  ): Promise<Stretch[] | undefined> {
    const { conversationId, afterSeq } = view
    const mark = await this.#sealed(head, before, deadline)
    if (mark === undefined) return undefined
    const first = afterSeq + 1
    const stretches: Stretch[] = [{ conversationId, from: Math.max(first, mark.seq + 1), to: head.seq }]
    if (isChanged(head, mark)) {
      stretches.push({ conversationId, from: first, to: mark.seq, changedAfter: mark.rev })
    }
    if (span !== undefined) {
      const { from, to } = seqsOf(span)
      stretches.push({ conversationId, from: Math.max(first, from), to })
    }
    return stretches.filter(({ from, to }) => from <= to)
  }

  /** Seals what fills a block, as far as there is time. @returns the mark; undefined where that is not enough */
  async #sealed(head: MessageHead, mark: Mark, deadline: number): Promise<Mark | undefined> {
    const isFar = (it: Mark) => head.seq - it.seq > MAX_OPEN || (isChanged(head, it) && head.rev - it.rev > MAX_CHANGES)
    const isWorthIt = head.seq - mark.seq >= BLOCK_SIZE || isFar(mark)
    if (!isWorthIt || (performance.now() > deadline && !isFar(mark))) return mark
    const sealed = (await this.#deps.sealer.update(head._id.toHexString(), { deadline })).mark
    return isFar(sealed) ? undefined : sealed
  }

  /** Looks at the blocks that have all terms. @returns whether nothing is left to look at that could be kept */
  async #lookIntoBlocks(limit: number, deadline: number): Promise<boolean> {
    for (;;) {
      const { blocks, upTo } = await this.#candidates()
      const isOver = await this.#lookInto(blocks, limit, deadline)
      if (isOver !== undefined) return isOver
      if (upTo === undefined) return true
      this.#block = upTo
      if (performance.now() > deadline) return false
    }
  }

  /** @returns whether the walk is over or has to stop; undefined behind the last of the blocks */
  async #lookInto(blocks: readonly FoundBlock[], limit: number, deadline: number): Promise<boolean | undefined> {
    let isLate = false
    for (const next of portionsOf(blocks)) {
      const end = next[0]?.at ?? new Date(0)
      this.#take(limit, end)
      if (isLate || this.#taken.length >= limit) return false
      const { floor } = this.#found
      if (floor !== undefined && end < floor.at) return true
      await this.#read(next.flatMap(block => this.#stretchOf(block)))
      this.#block = next.at(-1)
      isLate = performance.now() > deadline
    }
    return undefined
  }

  async #candidates() {
    const { conversations, terms, query, wanted } = this.#search
    return await findCandidates(this.#deps.store.searchBlocks, {
      conversationIds: conversations.map(({ head }) => head._id),
      terms,
      beginning: query?.beginning,
      upTo: this.#after?.at,
      since: wanted.since,
      behind: this.#block
    })
  }

  #stretchOf({ conversationId, span }: FoundBlock): Stretch[] {
    const searched = this.#search.conversations.find(({ head }) => head._id.equals(conversationId))
    const { from, to } = seqsOf(span)
    const first = Math.max(from, (searched?.view.afterSeq ?? to) + 1)
    return first > to ? [] : [{ conversationId, from: first, to }]
  }

  async #read(stretches: readonly Stretch[]): Promise<void> {
    if (stretches.length === 0) return
    const { searchedMessages } = this.#deps.store
    const after = this.#after
    for await (const candidates of searchedMessages.read(stretches, this.#search.wanted, after)) {
      for (const candidate of candidates) {
        if (this.#isFound(candidate, after)) this.#found.add({ id: candidate._id, at: candidate.createdAt })
        await this.#pauses.pause()
      }
    }
  }

  #isFound({ _id: id, createdAt: at, text = '' }: Candidate, after: Place | undefined): boolean {
    if (after !== undefined && comparePlaces({ id, at }, after) <= 0) return false
    const { query } = this.#search
    return query === undefined || hitsOf(query, text) !== undefined
  }
}

/** Blocks to look at together: one by one at first, because there may be enough in the newest. */
function* portionsOf(blocks: readonly FoundBlock[]): Generator<readonly FoundBlock[]> {
  let size = 1
  for (let at = 0; at < blocks.length; size = Math.min(BLOCKS, size * 2)) {
    yield blocks.slice(at, at + size)
    at += size
  }
}
