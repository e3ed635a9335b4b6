import { type Static, Type } from '@sinclair/typebox'
import { StreamId } from '../ids.ts'
import { HEADS_PAGE, MAX_CURSORS } from '../limits.ts'
import { Counter, closed } from '../schema.ts'

/** Cursors by stream: the `rev` up to which the client has everything. */
export const Cursors = Type.Record(StreamId, Counter, { maxProperties: MAX_CURSORS, additionalProperties: false })
export type Cursors = Static<typeof Cursors>

/** Head of a stream. `seq` and the receipts are those of a conversation; a user's own stream has none. */
export const Head = closed({
  stream: StreamId,
  rev: Counter,
  seq: Type.Optional(Counter),
  deliveredSeq: Type.Optional(Counter),
  readSeq: Type.Optional(Counter)
})
export type Head = Static<typeof Head>

/** A page of heads that differ from the client's cursors; `gone` are streams that it may drop. */
export const Heads = closed({
  heads: Type.Array(Head, { maxItems: HEADS_PAGE }),
  gone: Type.Array(StreamId),
  more: Type.Boolean(),
  after: Type.Optional(Type.String({ description: 'Where the next page of `sync:heads` begins.' }))
})
export type Heads = Static<typeof Heads>
