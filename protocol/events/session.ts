import { type Static, Type } from '@sinclair/typebox'
import { Device, Me } from '../entities/user.ts'
import { command, durable, ephemeral } from '../envelope.ts'
import { StreamId } from '../ids.ts'
import { HEADS_PAGE, MAX_CURSORS } from '../limits.ts'
import { Counter, closed, Timestamp } from '../schema.ts'

/** Cursors by stream: the `rev` up to which the client has everything. */
export const Cursors = Type.Record(StreamId, Counter, { maxProperties: MAX_CURSORS, additionalProperties: false })
export type Cursors = Static<typeof Cursors>

/** Where a stream is now. `seq` and the receipts are those of a conversation; a user's own stream has none. */
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

export const Hello = command('hello', {
  description: 'Signs the connection in and says what the client has; the answer says what moved since.',
  data: closed({
    token: Type.Optional(Type.String({ maxLength: 8_192 })),
    ticket: Type.Optional(Type.String({ maxLength: 128 })),
    device: Type.Optional(Device),
    epoch: Type.Optional(Type.String({ maxLength: 64 })),
    cursors: Type.Optional(Cursors)
  }),
  reply: closed({
    user: Me,
    connectionId: Type.String(),
    epoch: Type.String({ description: 'When it differs from the client’s, every cursor is void.' }),
    heartbeatMs: Type.Integer(),
    serverTime: Timestamp,
    limits: Type.Record(Type.String(), Type.Integer()),
    ...Heads.properties
  })
})

export const AuthRefresh = command('auth:refresh', {
  description: 'Gives the connection a newer access token of the same person before the old one expires.',
  data: closed({ token: Type.String({ maxLength: 8_192 }) }),
  reply: closed({ expiresAt: Timestamp })
})

export const Ping = command('ping', {
  description: 'A sign of life from clients that cannot see WebSocket pings.',
  data: closed({}),
  reply: closed({ serverTime: Timestamp }),
  isSilent: true
})

export const AuthExpiring = ephemeral(
  'auth:expiring',
  'The access token of this connection expires soon; answer with `auth:refresh`.',
  closed({ expiresAt: Timestamp })
)

export const Drain = ephemeral(
  'drain',
  'The server is going away; close and come back after `inMs`, which differs for each connection.',
  closed({ inMs: Type.Integer() })
)

export const UserUpdated = durable('user', 'user:updated', 'Your own profile changed.', Me)
