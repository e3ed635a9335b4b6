import type { ObjectId } from '../../database/object-id.ts'
import type { MessageDoc } from '../../store/documents.ts'
import { facetsOf } from '../facets.ts'
import { Pauses } from '../pauses.ts'
import { termsOf } from '../text/terms.ts'

/** Messages of a full block. */
export const BLOCK_SIZE = 256
/** Terms at which a block ends, however few its messages are. */
const MAX_TERMS = 16_384

/** Fields of a message that are indexed. */
export type IndexedMessage = Pick<
  MessageDoc,
  'seq' | 'createdAt' | 'senderId' | 'type' | 'text' | 'attachments' | 'mentions' | 'mentionsEveryone' | 'deletedAt'
>

/** Messages of a conversation that follow each other, and the terms of all of them together. */
export interface Block {
  readonly span: number
  /** Time of its last message. */
  readonly at: Date
  readonly terms: readonly string[]
}

/** A block of a conversation. */
export interface PlacedBlock extends Block {
  readonly conversationId: ObjectId
}

/** Lengths that a block may have: no more than its size. */
const LENGTHS = BLOCK_SIZE

/** First and last `seq` of a block as one number, which grows along the conversation. */
export function spanOf(from: number, to: number): number {
  return from * LENGTHS + (to - from)
}

/** The `seq` of the first and of the last message of a block. */
export function seqsOf(span: number): { from: number; to: number } {
  const from = Math.floor(span / LENGTHS)
  return { from, to: from + (span % LENGTHS) }
}

/** The span of a block that holds a `seq`, if there is one, is between these. */
export function spansAround(seq: number): { least: number; most: number } {
  return {
    least: spanOf(Math.max(1, seq - LENGTHS + 1), Math.max(1, seq - LENGTHS + 1)),
    most: spanOf(seq, seq) + LENGTHS - 1
  }
}

/**
 * Cuts messages into blocks, in their order, and lets others go first from time to time.
 * @param isWhole whether the last ones are a block too, however few they are
 */
export async function cutBlocks(messages: readonly IndexedMessage[], isWhole: boolean): Promise<Block[]> {
  const blocks: Block[] = []
  const pauses = new Pauses()
  let open: OpenBlock | undefined
  for (const message of messages) {
    const next = extended(open, message)
    if (open !== undefined && next.from === message.seq) blocks.push(closed(open))
    if (isFull(next)) blocks.push(closed(next))
    open = isFull(next) ? undefined : next
    await pauses.pause()
  }
  return isWhole && open !== undefined ? [...blocks, closed(open)] : blocks
}

/** A block that is being made. */
interface OpenBlock {
  readonly from: number
  readonly to: number
  readonly at: Date
  readonly terms: Set<string>
}

/** A block with one more message; another one where it would be too long, which a gap alone can make. */
function extended(open: OpenBlock | undefined, message: IndexedMessage): OpenBlock {
  const hasRoom = open !== undefined && message.seq - open.from < BLOCK_SIZE
  const { from, terms } = hasRoom ? open : { from: message.seq, terms: new Set<string>() }
  for (const term of termsOfMessage(message)) terms.add(term)
  return { from, to: message.seq, at: message.createdAt, terms }
}

function isFull({ from, to, terms }: OpenBlock): boolean {
  return to - from + 1 === BLOCK_SIZE || terms.size >= MAX_TERMS
}

function closed({ from, to, at, terms }: OpenBlock): Block {
  return { span: spanOf(from, to), at, terms: [...terms] }
}

function termsOfMessage(message: IndexedMessage): string[] {
  if (message.deletedAt !== undefined) return []
  return [...(message.text === undefined ? [] : termsOf(message.text)), ...facetsOf(message)]
}
