import { bareId, prefixedId } from '../../../protocol/ids.ts'
import type { Bookmark, Missed, Services } from '../../services/index.ts'
import type { Told } from '../connection.ts'
import type { Vocabulary } from '../vocabulary.ts'
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
      const event = eventOf(missed)
      if (event === undefined) continue
      if (event.stream !== undefined && event.rev !== undefined) sent.set(bareId(event.stream), event.rev)
      for (const text of await this.#encode(event, stream.actor.userId)) stream.sendNow(event, text)
    }
    return sent
  }

  async #encode(event: Told, userId: string): Promise<string[]> {
    if (event.type === 'reset') return [encodeFields('reset', event.data)]
    if (this.#vocabulary === undefined) return [encodeCanonical(event)]
    const said = (await this.#vocabulary.says.get(event.type)?.(event)) ?? []
    return said
      .filter(({ isFor }) => isFor === undefined || isFor(userId))
      .map(({ name, data }) => encodeFields(name, data))
  }
}

function eventOf(missed: Missed): Told | undefined {
  if (missed.kind === 'reset') {
    const { conversationId, rev } = missed
    return { type: 'reset', data: { stream: conversationId, rev }, stream: conversationId, rev }
  }
  const { type, data, rev } = missed.change
  if (type === 'noop') return undefined
  if (missed.kind === 'account') return { type, data, rev, stream: prefixedId('user', missed.change.userId) }
  if (!missed.isVisible) return undefined
  const { conversationId, seq, pair } = missed.change
  return { type, data, rev, stream: prefixedId('conv', conversationId), ...(seq && { seq }), ...(pair && { pair }) }
}
