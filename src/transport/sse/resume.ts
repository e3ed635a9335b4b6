import { StreamReset } from '../../../protocol/events/stream.ts'
import { bareId, prefixedId } from '../../../protocol/ids.ts'
import type { Bookmark, Missed, Services } from '../../services/index.ts'
import type { OutboundEvent } from '../connection.ts'
import { translate, type Vocabulary } from '../vocabulary.ts'
import type { StreamConnection } from './connection.ts'
import { encodeCanonical, encodeFields } from './stream-voice.ts'

/** Sends a stream what happened since its client's last event, in its own words. */
export class Resume {
  readonly #resumption: Services['resumption']
  readonly #vocabulary: Vocabulary | undefined

  constructor({ resumption }: Pick<Services, 'resumption'>, vocabulary: Vocabulary | undefined) {
    this.#resumption = resumption
    this.#vocabulary = vocabulary
  }

  /** @returns the last `rev` sent of each stream, by id (24 hexadecimal digits) */
  async run(stream: StreamConnection, bookmark: Bookmark): Promise<ReadonlyMap<string, number>> {
    const sent = new Map<string, number>()
    for await (const missed of this.#resumption.since(stream.actor, bookmark)) {
      if (!stream.isOpen) break
      const outbound = outboundOf(missed)
      if (outbound === undefined) continue
      if (outbound.stream !== undefined && outbound.rev !== undefined) sent.set(bareId(outbound.stream), outbound.rev)
      for (const text of await this.#encode(outbound, stream.actor.userId)) stream.sendNow(outbound, text)
    }
    return sent
  }

  async #encode(outbound: OutboundEvent, userId: string): Promise<string[]> {
    const { type, data } = outbound.event
    if (type === 'reset') return [encodeFields(type, data)]
    if (this.#vocabulary === undefined) return [encodeCanonical(outbound)]
    const said = (await translate(this.#vocabulary.translations, outbound)) ?? []
    return said
      .filter(({ isFor }) => isFor === undefined || isFor(userId))
      .map(({ name, data }) => encodeFields(name, data))
  }
}

function outboundOf(missed: Missed): OutboundEvent | undefined {
  if (missed.kind === 'reset') {
    const { conversationId, rev } = missed
    return { event: StreamReset.create({ stream: conversationId, rev }), stream: conversationId, rev }
  }
  const { event, rev } = missed.change
  if (event.type === 'noop') return undefined
  if (missed.kind === 'account') return { event, rev, stream: prefixedId('user', missed.change.userId) }
  if (!missed.isVisible) return undefined
  const { conversationId, seq, pair } = missed.change
  return { event, rev, stream: prefixedId('conv', conversationId), ...(seq && { seq }), ...(pair && { pair }) }
}
