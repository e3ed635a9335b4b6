import { StreamReset } from '../../../protocol/connection/stream-events.ts'
import { bareId, prefixedId } from '../../../protocol/ids.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { OutboundEvent, WasSent } from '../../realtime/connection.ts'
import { type RealtimeDialect, translateFor } from '../../realtime/encoding/dialect-encoder.ts'
import type { ResumePort } from '../../realtime/ports.ts'
import type { ReplayItem, ResumeToken } from '../../streams/positions.ts'
import type { StreamConnection } from './connection.ts'
import { encodeCanonical, encodeFields } from './fields.ts'

/** Sends a stream what happened since its client's last event. */
export async function replaySince(
  stream: StreamConnection,
  token: ResumeToken,
  { resumption, dialect }: { resumption: ResumePort; dialect: RealtimeDialect | undefined }
): Promise<WasSent> {
  /** The last `rev` of each stream, by id. */
  const sent = new Map<string, number>()
  for await (const item of resumption.replaySince(stream.actor, token)) {
    await stream.drained()
    if (!stream.isOpen) break
    const outbound = outboundOf(item)
    if (outbound === undefined) continue
    if (outbound.stream !== undefined && outbound.rev !== undefined) sent.set(bareId(outbound.stream), outbound.rev)
    for (const text of await encode(outbound, stream.actor.userId, dialect)) stream.sendNow(outbound, text)
  }
  return ({ stream: id = '', rev }) => rev !== undefined && rev <= (sent.get(bareId(id)) ?? 0)
}

async function encode(
  outbound: OutboundEvent,
  userId: string,
  dialect: RealtimeDialect | undefined
): Promise<string[]> {
  const { type, data } = outbound.event
  if (type === 'reset') return [encodeFields(type, data)]
  if (dialect === undefined) return [encodeCanonical(outbound)]
  const translated = await translateFor(userId, dialect.translations, outbound)
  return translated.map(({ name, data }) => encodeFields(name, data))
}

function outboundOf(item: ReplayItem): OutboundEvent | undefined {
  if (item.kind === 'reset') {
    const { stream, rev } = item
    return { event: StreamReset.create({ stream, rev }), stream, rev }
  }
  const { event, rev } = item.change
  if (event.type === 'noop') return undefined
  if (item.kind === 'account') return { event, rev, stream: prefixedId('user', item.change.userId) }
  if (!item.isVisible) return undefined
  const { conversationId, seq, pair } = item.change
  return { event, rev, stream: prefixedId('conv', conversationId), ...omitUndefined({ seq, pair }) }
}
