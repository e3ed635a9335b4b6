import { bareId } from '../../../protocol/ids.ts'
import type { Actor } from '../../actor.ts'
import { MARGIN_MS, RecentPositions } from '../../streams/recent-positions.ts'
import type { OutboundEvent } from '../connection.ts'
import type { ReceiptPort, SessionPort } from '../ports.ts'

interface TrackerDeps {
  readonly receipts: ReceiptPort
  readonly sessions: Pick<SessionPort, 'setDeviceCursor'>
  /** Receipts of one connection are written at most this often, ms. */
  readonly pauseMs: number
  readonly onError: (error: unknown) => void
}

/** Makes the tracker of a connection. */
export type TrackDelivery = (confirm: () => Promise<boolean>) => DeliveryTracker

/**
 * Notes which messages a connection was sent, and marks them as delivered, to the person and to the device, once the
 * client is known to have got them. For clients that keep no cursors and acknowledge nothing.
 */
export class DeliveryTracker {
  readonly #deps: TrackerDeps
  /** Resolves when everything sent so far has reached the client, or with false when it never will. */
  readonly #confirm: () => Promise<boolean>
  #sent = new Map<string, { seq: number; isCatchUp: boolean }>()
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  /** Time of opening, ms since 1970. Messages from before are sent while catching up, ahead of everything else. */
  readonly #openedAt = Date.now()
  #positions: RecentPositions | undefined

  constructor(confirm: () => Promise<boolean>, deps: TrackerDeps) {
    this.#confirm = confirm
    this.#deps = deps
  }

  /** Notes what was sent to the person; their own messages and other events do not count. */
  note(actor: Actor, { event, isCatchUp = false }: OutboundEvent): void {
    if (event.type !== 'message:new' || this.#isStopped) return
    const { conversationId, senderId, seq } = event.data
    if (bareId(senderId) === actor.userId) return
    this.#sent.set(conversationId, {
      seq,
      isCatchUp: isCatchUp || (this.#sent.get(conversationId)?.isCatchUp ?? false)
    })
    this.#schedule(actor)
  }

  /** The connection is gone: what is not known to have arrived stays undelivered. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#sent.clear()
  }

  #schedule(actor: Actor): void {
    this.#timer ??= setTimeout(() => void this.#mark(actor), this.#deps.pauseMs).unref()
  }

  async #noteCursor(actor: Actor, before: number, arrived: ReadonlyMap<string, { seq: number }>): Promise<void> {
    this.#positions ??= new RecentPositions()
    for (const [conversationId, { seq }] of arrived) this.#positions.note(conversationId, seq, Date.now())
    await this.#deps.sessions.setDeviceCursor(actor, { before, recent: this.#positions.recent })
  }

  async #mark(actor: Actor): Promise<void> {
    const sent = this.#sent
    this.#sent = new Map()
    const before = Math.max(Date.now() - MARGIN_MS, this.#openedAt)
    try {
      const hasArrived = await this.#confirm()
      for (const [conversationId, { seq, isCatchUp }] of hasArrived ? sent : []) {
        await this.#deps.receipts.mark(actor, conversationId, { deliveredSeq: seq, isCatchUp })
      }
      if (hasArrived) await this.#noteCursor(actor, before, sent)
    } catch (error) {
      this.#deps.onError(error)
    }
    this.#timer = undefined
    if (this.#sent.size > 0 && !this.#isStopped) this.#schedule(actor)
  }
}
