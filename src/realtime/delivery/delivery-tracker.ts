import { bareId } from '../../../protocol/ids.ts'
import type { Actor } from '../../actor.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { OutboundEvent } from '../connection.ts'
import type { DevicePort, ReceiptPort } from '../ports.ts'

interface TrackerDeps {
  readonly receipts: ReceiptPort
  readonly devices: Pick<DevicePort, 'move' | 'release'>
  /** Receipts and positions of one connection are written at most this often, ms. */
  readonly pauseMs: number
  /** Takes note of work that has to end before the database is closed. */
  readonly keep: (work: Promise<unknown>) => void
  readonly onError: (error: unknown) => void
}

/** Makes the tracker of a connection. */
export type TrackDelivery = (confirm: () => Promise<boolean>) => DeliveryTracker

/** Cursor that a connection moves. */
interface HeldCursor {
  readonly id: string
  readonly connectionId: string
}

/** Sent to a client and not yet known to have arrived. */
class Sent {
  /** The last message of others in each conversation. */
  readonly messages = new Map<string, { seq: number; isCatchUp: boolean }>()
  /** The last `rev` of each stream. */
  readonly revs = new Map<string, number>()

  get isEmpty(): boolean {
    return this.messages.size === 0 && this.revs.size === 0
  }
}

/**
 * Notes what a connection was sent, and once the client is known to have got it, marks messages as delivered and moves
 * the cursor of the device. For clients that keep no cursors and acknowledge nothing.
 */
export class DeliveryTracker {
  readonly #deps: TrackerDeps
  /** Resolves when everything sent so far has reached the client, or with false when it never will. */
  readonly #confirm: () => Promise<boolean>
  #sent = new Sent()
  #cursor: HeldCursor | undefined
  #timer: NodeJS.Timeout | undefined
  #marking: Promise<void> | undefined
  #isStopped = false

  constructor(confirm: () => Promise<boolean>, deps: TrackerDeps) {
    this.#confirm = confirm
    this.#deps = deps
  }

  /** Moves this cursor from now on. */
  follow(cursor: HeldCursor): void {
    if (this.#isStopped) this.#release(cursor, false)
    else this.#cursor = cursor
  }

  /** Notes an event that was sent; of what is sent again the message alone counts, and `reach` says the position. */
  note(actor: Actor, { event, stream, rev, isCatchUp = false }: OutboundEvent): void {
    if (this.#isStopped) return
    if (event.type === 'message:new' && bareId(event.data.senderId) !== actor.userId) {
      const { conversationId, seq } = event.data
      const wasCatchUp = this.#sent.messages.get(conversationId)?.isCatchUp ?? false
      this.#sent.messages.set(conversationId, { seq, isCatchUp: isCatchUp || wasCatchUp })
      this.#schedule(actor)
    }
    if (stream !== undefined && rev !== undefined) this.reach(actor, stream, rev)
  }

  /** Notes that the client was sent all of a stream up to a `rev`. */
  reach(actor: Actor, stream: string, rev: number): void {
    if (this.#isStopped || this.#cursor === undefined) return
    this.#sent.revs.set(stream, Math.max(rev, this.#sent.revs.get(stream) ?? 0))
    this.#schedule(actor)
  }

  /** Resolves when what was sent so far is known to have arrived, and is noted; or when that is not to be known. */
  async settle(actor: Actor): Promise<void> {
    await this.#marking
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#sent.isEmpty) await this.#mark(actor)
  }

  /** The connection is gone: what is not known to have arrived stays undelivered. @param isLost its client was silent */
  stop(isLost = false): void {
    if (this.#isStopped) return
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#sent = new Sent()
    if (this.#cursor !== undefined) this.#release(this.#cursor, isLost)
  }

  #release({ id, connectionId }: HeldCursor, isLost: boolean): void {
    const { devices, keep, onError } = this.#deps
    // Not before the positions that are being written.
    const marked = Promise.resolve(this.#marking)
    keep(marked.then(async () => await devices.release(id, { connectionId, isLost })).catch(onError))
  }

  #schedule(actor: Actor): void {
    this.#timer ??= setTimeout(() => {
      this.#marking = this.#mark(actor).finally(() => {
        this.#marking = undefined
        this.#timer = undefined
        if (!this.#sent.isEmpty && !this.#isStopped) this.#schedule(actor)
      })
    }, this.#deps.pauseMs).unref()
  }

  /** Never rejects. */
  async #mark(actor: Actor): Promise<void> {
    const { messages, revs } = this.#sent
    this.#sent = new Sent()
    const { receipts, devices, onError } = this.#deps
    try {
      if (!(await this.#confirm())) return
      for (const [conversationId, { seq, isCatchUp }] of messages) {
        await receipts.mark(actor, conversationId, { deliveredSeq: seq, isCatchUp })
      }
      if (this.#cursor === undefined || revs.size === 0) return
      const account = revs.get(`user_${actor.userId}`)
      const conversations = [...revs].filter(([stream]) => stream.startsWith('conv_'))
      const ids = new Map(conversations.map(([stream, rev]) => [bareId(stream), rev]))
      await devices.move(this.#cursor.id, { ...omitUndefined({ account }), conversations: ids })
    } catch (error) {
      onError(error)
    }
  }
}
