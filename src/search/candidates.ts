import type { ObjectId } from '../database/object-id.ts'
import type { FoundBlock, SearchBlockStore } from './blocks/store.ts'
import type { Term } from './facets.ts'
import { type BlockPlace, compareBlocks } from './position.ts'
import type { Query } from './text/query.ts'

/** Conversations of one query: of more, the database sorts everything that it finds. */
const SLICE = 200
/** Blocks of one list, and blocks among which words are looked for that begin with many letters. */
const MAX_BLOCKS = 2_000
const MAX_BEGINNINGS = 5_000
/** Terms that narrow a search down; the text is compared with all of them. */
const MAX_TERMS = 6

/** Blocks that are asked for. */
export interface Asked {
  readonly conversationIds: readonly ObjectId[]
  /** Terms that every block must have, those of few messages first. */
  readonly terms: readonly Term[]
  readonly beginning: Query['beginning']
  /** Only blocks that end at this moment or earlier. */
  readonly upTo: Date | undefined
  readonly since: Date | undefined
  /** Only blocks behind this one. */
  readonly behind: BlockPlace | undefined
}

/** Blocks in which there may be what is asked for, in their order. */
export interface Candidates {
  readonly blocks: readonly FoundBlock[]
  /** Place behind which there may be others; undefined where these are all. */
  readonly upTo: BlockPlace | undefined
}

/** Blocks that have all the terms, the newest first. */
export async function findCandidates(store: SearchBlockStore, asked: Asked): Promise<Candidates> {
  const found: FoundBlock[] = []
  let cut: FoundBlock | undefined
  for (const conversationIds of slices(asked.conversationIds)) {
    const lists = await Promise.all(
      asked.terms.slice(0, MAX_TERMS).map(async term => await listOf(store, { ...asked, conversationIds }, term))
    )
    found.push(...intersect(lists.map(({ blocks }) => blocks)))
    for (const { end } of lists) cut = laterOf(cut, end)
  }
  const { behind } = asked
  const inOrder = found
    .filter(block => (behind === undefined || compareBlocks(block, behind) > 0) && isBefore(block, cut))
    .sort(compareBlocks)
  // The very last place of its moment: blocks of that moment were left out.
  return {
    blocks: inOrder,
    upTo: cut && { at: new Date(cut.at.getTime() + 1), conversationId: cut.conversationId, span: 0 }
  }
}

/** Of each conversation the span of the oldest block that has the first term and ends after a moment, by its id (hex). */
export async function findStraddling(
  store: SearchBlockStore,
  { conversationIds, terms }: Pick<Asked, 'conversationIds' | 'terms'>,
  moment: Date
): Promise<Map<string, number>> {
  const [term] = terms
  const spans = new Map<string, number>()
  if (term === undefined) return spans
  for (const slice of slices(conversationIds)) {
    for (const [id, span] of await store.straddling(slice, term, moment)) spans.set(id, span)
  }
  return spans
}

/** Blocks with a term, the newest first. */
interface List {
  readonly blocks: FoundBlock[]
  /** The last one of a list that goes on. */
  readonly end: FoundBlock | undefined
}

async function listOf(store: SearchBlockStore, asked: Asked, term: Term): Promise<List> {
  const { conversationIds, beginning, upTo, since: from, behind } = asked
  const query = { conversationIds, from, upTo: earlierOf(upTo, behind?.at) }
  if (term === beginning?.term) {
    const blocks = await store.findBeginning({ ...query, term: beginning.word }, MAX_BEGINNINGS)
    if (blocks !== undefined) return { blocks, end: undefined }
  }
  const blocks = await store.find({ ...query, term }, MAX_BLOCKS)
  const [first, last] = [blocks[0], blocks.at(-1)]
  // Where all end at the same moment, there is none before which to go on.
  const isCut = blocks.length === MAX_BLOCKS && first?.at.getTime() !== last?.at.getTime()
  return { blocks, end: isCut ? last : undefined }
}

function earlierOf(one: Date | undefined, other: Date | undefined): Date | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one < other ? one : other
}

function laterOf(one: FoundBlock | undefined, other: FoundBlock | undefined): FoundBlock | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one.at >= other.at ? one : other
}

function isBefore({ at }: FoundBlock, cut: FoundBlock | undefined): boolean {
  return cut === undefined || at > cut.at
}

function intersect(lists: readonly FoundBlock[][]): FoundBlock[] {
  const [shortest = [], ...others] = [...lists].sort((a, b) => a.length - b.length)
  const sets = others.map(list => new Set(list.map(keyOf)))
  return shortest.filter(block => sets.every(set => set.has(keyOf(block))))
}

function keyOf({ conversationId, span }: FoundBlock): string {
  return `${conversationId.toHexString()}${span}`
}

function* slices(ids: readonly ObjectId[]): Generator<readonly ObjectId[]> {
  for (let at = 0; at < ids.length; at += SLICE) yield ids.slice(at, at + SLICE)
}
