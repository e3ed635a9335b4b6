import { bareId } from '../../../protocol/ids.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import { MessageNew } from '../../../protocol/messages/events.ts'
import type { Actor } from '../../actor.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { type Connection, NOTHING_SENT, type OutboundEvent, type WasSent } from '../connection.ts'
import { type DialectEvent, type RealtimeDialect, translateFor } from '../encoding/dialect-encoder.ts'
import type { DirectPairPort, SessionPort, UndeliveredPort } from '../ports.ts'

/** The connection that is sent what its client has missed. */
interface Receiver {
  readonly connection: Pick<Connection, 'isOpen' | 'drained'>
  emit(translated: DialectEvent, outbound: OutboundEvent): void
}

interface UndeliveredDeps {
  readonly history: UndeliveredPort
  readonly pairs: DirectPairPort
  readonly sessions: Pick<SessionPort, 'deviceCursor' | 'setDeviceCursor'>
}

/** Sends clients that keep no cursors the messages that were not delivered to their device, in their dialect. */
export class Undelivered {
  readonly #deps: UndeliveredDeps

  constructor(deps: UndeliveredDeps) {
    this.#deps = deps
  }

  /**
   * Sends the newest conversations first, each in order, as fast as the client reads; bounded, what is older is for
   * the client to load.
   */
  async replay(actor: Actor, dialect: RealtimeDialect, receiver: Receiver): Promise<WasSent> {
    const before = Date.now()
    const cursor = await this.#deps.sessions.deviceCursor(actor)
    const missed = await this.#deps.history.undelivered(actor, { cursor })
    /** Ids of what was sent. One's own messages are not among them: they come live, however late. */
    const sent = new Set<string>()
    for (const { messages } of missed) {
      for (const message of messages) {
        await receiver.connection.drained()
        if (!receiver.connection.isOpen) return NOTHING_SENT
        await this.#send(actor, dialect, message, receiver)
        sent.add(message.id)
      }
    }
    // A new device loads what there was before it; from now on it is sent what it misses.
    if (cursor === undefined) await this.#deps.sessions.setDeviceCursor(actor, { before, recent: new Map() })
    return ({ event: { type, data } }) => type === 'message:new' && sent.has(data.id)
  }

  async #send(actor: Actor, { translations }: RealtimeDialect, message: Message, { emit }: Receiver): Promise<void> {
    const pair = await this.#deps.pairs.find(bareId(message.conversationId))
    const context = { seq: message.seq, isCatchUp: true, ...omitUndefined({ pair }) }
    const outbound = { event: MessageNew.create(message), ...context }
    for (const translated of await translateFor(actor.userId, translations, outbound)) emit(translated, outbound)
  }
}
