import { Type } from '@sinclair/typebox'
import { command, ephemeral } from '../envelope.ts'
import { closed, Timestamp } from '../schema.ts'
import { Cursors, Heads } from '../sync/entities.ts'
import { Device, Me } from '../users/entities.ts'

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
