import type { Actor } from '../../actor.ts'
import type { ReceiptService } from '../../conversations/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import type { MessageStore } from '../../store/messages.ts'
import type {
  Arrived,
  DeviceClient,
  DeviceCursor,
  MissedItem,
  ReplayGate,
  ResumeToken
} from '../../streams/positions.ts'
import type { Beginnings } from './beginnings.ts'
import type { DeviceCursors } from './cursors.ts'
import type { MissedService } from './missed.ts'

interface DeviceDeps {
  readonly beginnings: Beginnings
  readonly cursors: DeviceCursors
  readonly missed: MissedService
  readonly receipts: Pick<ReceiptService, 'mark'>
  readonly messages: MessageStore
}

/** Devices whose apps keep no cursors: where each of their clients stands, and what it has missed. */
export class DeviceService {
  readonly #deps: DeviceDeps

  constructor(deps: DeviceDeps) {
    this.#deps = deps
  }

  /**
   * Holds the cursor of a client for a connection.
   * @param token from the last event that the client got: proves what has arrived
   */
  async hold(actor: Actor, client: DeviceClient, token?: ResumeToken): Promise<DeviceCursor> {
    const { beginnings, cursors } = this.#deps
    const cursor = await cursors.hold(actor.userId, client, {
      anew: async () => await beginnings.ofNewDevice(actor.userId),
      renewed: async () => await beginnings.aDayAgo(actor.userId)
    })
    if (token === undefined) return cursor
    const { account, conversations, undelivered } = await beginnings.at(actor.userId, token, cursor)
    const proved = { ...cursor, account, conversations: new Map(Object.entries(conversations)), isNew: false }
    await cursors.move(cursor.id, proved)
    for (const { id, rev, deliveredSeq } of undelivered) {
      const seq = await this.#deps.messages.seqAtRev(new ObjectId(id), rev)
      if (seq > deliveredSeq) await this.#deps.receipts.mark(actor, id, { deliveredSeq: seq, isCatchUp: true })
    }
    return proved
  }

  /** Everything that a client has missed since its cursor, until every stream is level. */
  missed(actor: Actor, cursor: DeviceCursor, gate: ReplayGate): AsyncGenerator<MissedItem> {
    return this.#deps.missed.since(actor, cursor, gate)
  }

  /** Notes that everything up to these positions has arrived. */
  async move(cursorId: string, arrived: Arrived): Promise<void> {
    await this.#deps.cursors.move(cursorId, arrived)
  }

  /** The connection is gone; its client may come back. */
  async release(cursorId: string, connection: { connectionId: string; isLost: boolean }): Promise<void> {
    await this.#deps.cursors.release(cursorId, connection)
  }
}
