import { MessageNew } from '../../protocol/events/message.ts'
import { bareId } from '../../protocol/ids.ts'
import { Gate } from '../limits/gate.ts'
import type { Actor, Services } from '../services/index.ts'
import type { OutboundEvent } from './connection.ts'
import { type Spoken, translate, type Vocabulary } from './vocabulary.ts'

/** Clients whose catching up is read at once; the others wait, so that a herd takes no more memory than a few. */
const AT_ONCE = 4
const MAX_WAITING = 20_000

/** Sends clients that keep no cursors what has not been delivered to their device, in the words of their app. */
export class CatchUp {
  readonly #services: Pick<Services, 'history' | 'pairs' | 'sessions'>
  readonly #gate = new Gate(AT_ONCE, MAX_WAITING)

  constructor(services: Pick<Services, 'history' | 'pairs' | 'sessions'>) {
    this.#services = services
  }

  /**
   * The newest conversations first, each in order; bounded, what is older is for the client to load.
   * @returns the last `seq` sent of each conversation
   */
  async run(
    actor: Actor,
    vocabulary: Vocabulary,
    emit: (spoken: Spoken, event: OutboundEvent) => void
  ): Promise<ReadonlyMap<string, number>> {
    return await this.#gate.run(async () => await this.#run(actor, vocabulary, emit))
  }

  async #run(
    actor: Actor,
    { translations }: Vocabulary,
    emit: (spoken: Spoken, event: OutboundEvent) => void
  ): Promise<ReadonlyMap<string, number>> {
    const { history, pairs, sessions } = this.#services
    const before = Date.now()
    const caughtUp = new Map<string, number>()
    const reach = await sessions.reachOf(actor)
    for (const { conversationId, messages } of await history.undelivered(actor, { reach })) {
      const pair = await pairs.of(bareId(conversationId))
      for (const message of messages) {
        const context = { seq: message.seq, isCatchUp: true, ...(pair && { pair }) }
        const outbound = { event: MessageNew.create(message), ...context }
        const said = (await translate(translations, outbound)) ?? []
        for (const spoken of forPerson(said, actor)) emit(spoken, outbound)
        caughtUp.set(conversationId, message.seq)
      }
    }
    // A new device loads what there was before it; from now on it is sent what it misses.
    if (reach === undefined) await sessions.reached(actor, { before, recent: new Map() })
    return caughtUp
  }
}

function forPerson(said: readonly Spoken[], { userId }: Actor): Spoken[] {
  return said.filter(({ isFor }) => isFor === undefined || isFor(userId))
}
