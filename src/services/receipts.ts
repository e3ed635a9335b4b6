import type { Receipt } from '../../protocol/entities/conversation.ts'
import { bareId } from '../../protocol/ids.ts'
import type { Bus } from '../bus/bus.ts'
import { AppError } from '../errors.ts'
import { ObjectId, type Store } from '../store/index.ts'
import type { Actor } from './actor.ts'
import type { BlockService } from './blocks.ts'
import { noSuchConversation } from './policy.ts'
import { pairOf, presentReceipt } from './present.ts'

/** In larger conversations receipts are kept but not told. */
const MAX_TOLD_MEMBERS = 64

interface Cursors {
  deliveredSeq: number
  readSeq: number
  /** Whether it is for what had been waiting for the person. */
  isCatchUp?: boolean
}

interface ReceiptParts {
  store: Pick<Store, 'conversations' | 'members'>
  bus: Bus
  blocks: Pick<BlockService, 'around'>
}

/** How far members have received and read. Cursors only move forward, and never beyond the last message. */
export class ReceiptService {
  readonly #store: Pick<Store, 'conversations' | 'members'>
  readonly #bus: Bus
  readonly #blocks: ReceiptParts['blocks']
  /** What came in while the same cursors were being written: it is written once, together, afterwards. */
  readonly #waiting = new Map<string, Cursors>()
  readonly #writing = new Map<string, Promise<Receipt>>()

  constructor({ store, bus, blocks }: ReceiptParts) {
    this.#store = store
    this.#bus = bus
    this.#blocks = blocks
  }

  /**
   * Moves the actor's cursors; what is read is delivered too. A `seq` that does not exist yet is clamped.
   * @throws {AppError} `not_found` for who is not a member
   */
  async mark(
    actor: Actor,
    conversationId: string,
    { deliveredSeq = 0, readSeq = 0, isCatchUp = false }: Partial<Cursors>
  ): Promise<Receipt> {
    const key = `${actor.userId}:${bareId(conversationId)}`
    const before = this.#waiting.get(key)
    const wanted = {
      deliveredSeq: Math.max(deliveredSeq, readSeq, before?.deliveredSeq ?? 0),
      readSeq: Math.max(readSeq, before?.readSeq ?? 0),
      isCatchUp
    }
    const writing = this.#writing.get(key)
    if (writing === undefined) return await this.#write(key, actor, bareId(conversationId), wanted)
    this.#waiting.set(key, wanted)
    await writing.catch(() => undefined)
    const merged = this.#waiting.get(key)
    if (merged === undefined)
      return await (this.#writing.get(key) ?? this.#write(key, actor, bareId(conversationId), wanted))
    this.#waiting.delete(key)
    return await this.#write(key, actor, bareId(conversationId), merged)
  }

  async #write(key: string, actor: Actor, conversationId: string, cursors: Cursors): Promise<Receipt> {
    const writing = this.#advance(actor, new ObjectId(conversationId), cursors)
    this.#writing.set(key, writing)
    try {
      return await writing
    } finally {
      if (this.#writing.get(key) === writing) this.#writing.delete(key)
    }
  }

  async #advance(actor: Actor, conversationId: ObjectId, cursors: Cursors): Promise<Receipt> {
    const head = await this.#store.conversations.find(conversationId)
    if (head === null) throw noSuchConversation()
    // A forged cursor is clamped: nobody has read what is not there yet.
    const deliveredSeq = Math.min(cursors.deliveredSeq, head.seq)
    const readSeq = Math.min(cursors.readSeq, head.seq)
    const before = await this.#store.members.advance(conversationId, new ObjectId(actor.userId), {
      deliveredSeq,
      readSeq
    })
    if (before === null) throw noSuchConversation()
    const after = {
      ...before,
      deliveredSeq: Math.max(before.deliveredSeq, deliveredSeq),
      readSeq: Math.max(before.readSeq, readSeq)
    }
    const receipt = presentReceipt(after)
    const hasMoved = after.deliveredSeq > before.deliveredSeq || after.readSeq > before.readSeq
    if (hasMoved && head.memberCount <= MAX_TOLD_MEMBERS) {
      const type = after.readSeq > before.readSeq ? 'receipt:read' : 'receipt:delivered'
      const pair = pairOf(head)
      const id = conversationId.toHexString()
      this.#bus.emit('whisper', {
        ...{ conversationId: id, type, data: receipt },
        ...(pair && { pair }),
        ...(cursors.isCatchUp && { isCatchUp: true }),
        exceptUserIds: await this.#blocks.around(actor.userId)
      })
    }
    return receipt
  }
}

/** @throws {AppError} `invalid` when neither cursor is given */
export function requireCursor({ deliveredSeq, readSeq }: Partial<Cursors>): void {
  if (deliveredSeq === undefined && readSeq === undefined) throw new AppError('invalid', 'Give deliveredSeq or readSeq')
}
