import type { OutboundEvent } from '../../realtime/connection.ts'

/** The two fields of an event that are the same for everybody. JSON has no line breaks. */
export function encodeFields(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n`
}

/** The fields of a canonical event; the data is what a frame of the socket holds besides its type. */
export function encodeCanonical({ event: { type, data }, stream, rev }: OutboundEvent): string {
  return encodeFields(type, stream === undefined ? { data } : { stream, rev, data })
}
