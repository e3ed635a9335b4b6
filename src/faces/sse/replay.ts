import { StreamReset } from '../../../protocol/connection/stream-events.ts'
import { prefixedId } from '../../../protocol/ids.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { OutboundEvent } from '../../realtime/connection.ts'
import type { ResumePort } from '../../realtime/ports.ts'
import type { ReplayItem, ResumeToken } from '../../streams/positions.ts'
import type { StreamConnection } from './connection.ts'
import { encodeCanonical, encodeFields } from './fields.ts'

/** Sends a canonical stream what happened since its client's last event. */
export async function replaySince(stream: StreamConnection, token: ResumeToken, resumption: ResumePort): Promise<void> {
  /** The last `rev` of each stream. */
  const sent = new Map<string, number>()
  for await (const item of resumption.replaySince(stream.actor, token)) {
    await stream.drained()
    if (!stream.isOpen) break
    const outbound = outboundOf(item)
    if (outbound === undefined) continue
    if (outbound.stream !== undefined && outbound.rev !== undefined) sent.set(outbound.stream, outbound.rev)
    stream.sendNow(outbound, encode(outbound))
  }
  for (const [id, rev] of sent) stream.catchUp.level(id, rev)
}

function encode(outbound: OutboundEvent): string {
  const { type, data } = outbound.event
  return type === 'reset' ? encodeFields(type, data) : encodeCanonical(outbound)
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
