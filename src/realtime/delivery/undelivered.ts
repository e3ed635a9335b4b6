import { bareId } from '../../../protocol/ids.ts'
import { MessageNew } from '../../../protocol/messages/events.ts'
import type { Actor } from '../../actor.ts'
import { Gate } from '../../limits/gate.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { OutboundEvent, WasSent } from '../connection.ts'
import { type DialectEvent, type RealtimeDialect, translateFor } from '../encoding/dialect-encoder.ts'
import type { DirectPairPort, SessionPort, UndeliveredPort } from '../ports.ts'

/** Clients whose catching up is read at once; the others wait, so that a herd takes no more memory than a few. */
const AT_ONCE = 4
const MAX_WAITING = 20_000

type Emit = (translated: DialectEvent, outbound: OutboundEvent) => void

interface UndeliveredDeps {
  readonly history: UndeliveredPort
  readonly pairs: DirectPairPort
  readonly sessions: Pick<SessionPort, 'deviceCursor' | 'setDeviceCursor'>
}

/** Sends clients that keep no cursors the messages that were not delivered to their device, in their dialect. */
export class Undelivered {
  readonly #deps: UndeliveredDeps
  readonly #gate = new Gate(AT_ONCE, MAX_WAITING)

  constructor(deps: UndeliveredDeps) {
    this.#deps = deps
  }

  /** Sends the newest conversations first, each in order; bounded, what is older is for the client to load. */
  async replay(actor: Actor, dialect: RealtimeDialect, emit: Emit): Promise<WasSent> {
    const sent = await this.#gate.run(async () => await this.#replay(actor, dialect, emit))
    return ({ event: { type, data } }) => type === 'message:new' && data.seq <= (sent.get(data.conversationId) ?? 0)
  }

  /** @returns the last `seq` sent of each conversation */
  async #replay(actor: Actor, { translations }: RealtimeDialect, emit: Emit): Promise<ReadonlyMap<string, number>> {
    const { history, pairs, sessions } = this.#deps
    const before = Date.now()
    const sent = new Map<string, number>()
    const cursor = await sessions.deviceCursor(actor)
    for (const { conversationId, messages } of await history.undelivered(actor, { cursor })) {
      const pair = await pairs.find(bareId(conversationId))
      for (const message of messages) {
        const context = { seq: message.seq, isCatchUp: true, ...omitUndefined({ pair }) }
        const outbound = { event: MessageNew.create(message), ...context }
        for (const translated of await translateFor(actor.userId, translations, outbound)) emit(translated, outbound)
        sent.set(conversationId, message.seq)
      }
    }
    // A new device loads what there was before it; from now on it is sent what it misses.
    if (cursor === undefined) await sessions.setDeviceCursor(actor, { before, recent: new Map() })
    return sent
  }
}
