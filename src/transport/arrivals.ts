import type { Message } from '../../protocol/entities/message.ts'
import { bareId } from '../../protocol/ids.ts'
import { type Actor, MARGIN_MS, RecentPlaces, type Services } from '../services/index.ts'
import type { Told } from './connection.ts'

interface ArrivalParts {
  readonly receipts: Pick<Services['receipts'], 'mark'>
  readonly sessions: Pick<Services['sessions'], 'reached'>
  /** Receipts of one connection are written at most this often, ms. */
  readonly pauseMs: number
  readonly onError: (error: unknown) => void
}

/**
 * Notes which messages a connection was sent, and marks them as delivered, to the person and to the device, once the
 * client is known to have got them. For clients that keep no cursors and acknowledge nothing.
 */
export class Arrivals {
  readonly #parts: ArrivalParts
  /** Resolves when everything sent so far has reached the client, or with false when it never will. */
  readonly #confirm: () => Promise<boolean>
  #sent = new Map<string, { seq: number; isCatchUp: boolean }>()
  #timer: NodeJS.Timeout | undefined
  /** What was there before is sent by the catch-up, ahead of everything else. */
  readonly #openedAt = Date.now()
  /** What has lately arrived. */
  #places: RecentPlaces | undefined

  constructor(confirm: () => Promise<boolean>, parts: ArrivalParts) {
    this.#confirm = confirm
    this.#parts = parts
  }

  /** Notes what was sent to the person; their own messages and other events do not count. */
  note(actor: Actor, { type, data, isCatchUp = false }: Told): void {
    if (type !== 'message:new') return
    const { conversationId, senderId, seq } = data as Message
    if (bareId(senderId) === actor.userId) return
    this.#sent.set(conversationId, {
      seq,
      isCatchUp: isCatchUp || (this.#sent.get(conversationId)?.isCatchUp ?? false)
    })
    this.#timer ??= setTimeout(() => void this.#mark(actor), this.#parts.pauseMs).unref()
  }

  /** The connection is gone: what is not known to have arrived stays undelivered. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#sent.clear()
  }

  async #noteReach(actor: Actor, before: number, arrived: ReadonlyMap<string, { seq: number }>): Promise<void> {
    this.#places ??= new RecentPlaces()
    for (const [conversationId, { seq }] of arrived) this.#places.note(conversationId, seq, Date.now())
    await this.#parts.sessions.reached(actor, { before, recent: this.#places.recent })
  }

  async #mark(actor: Actor): Promise<void> {
    const sent = this.#sent
    this.#sent = new Map()
    const before = Math.max(Date.now() - MARGIN_MS, this.#openedAt)
    try {
      const hasArrived = await this.#confirm()
      for (const [conversationId, { seq, isCatchUp }] of hasArrived ? sent : []) {
        await this.#parts.receipts.mark(actor, conversationId, { deliveredSeq: seq, isCatchUp })
      }
      if (hasArrived) await this.#noteReach(actor, before, sent)
    } catch (error) {
      this.#parts.onError(error)
    }
    this.#timer = undefined
    if (this.#sent.size > 0) this.#timer = setTimeout(() => void this.#mark(actor), this.#parts.pauseMs).unref()
  }
}
