import type { FastifyRequest } from 'fastify'

/** Place from which a client asks its stream to go on. */
export interface Place {
  /** The id of the last event, as the stream's position; '' without one. */
  readonly id: string
  /** Proof that came with the id, where a ticket had opened the stream. */
  readonly proof: string | undefined
}

/**
 * Reads the id of the last event that a client has had: the header counts before the query. A proof is taken from the
 * header alone, since addresses, with their tickets, are written down in many places.
 */
export function readPlace({ headers, query }: FastifyRequest): Place {
  const header = headers['last-event-id']
  if (typeof header === 'string') return split(header)
  const { lastEventId } = query as { lastEventId?: unknown }
  return { id: typeof lastEventId === 'string' ? split(lastEventId).id : '', proof: undefined }
}

/** The id of an event. @param proof of a stream that a ticket has opened */
export function encodePlace(id: string, proof: string | undefined): string {
  return proof === undefined ? id : `${id}!${proof}`
}

function split(text: string): Place {
  const [id = '', proof] = text.split('!', 2)
  return { id, proof }
}
