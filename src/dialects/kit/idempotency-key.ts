import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import { bareKey, IdempotencyKey } from '../../../protocol/messages/entities.ts'

/** Headers of a request that sends a message. */
export const sendHeaders = Type.Object({ 'idempotency-key': Type.Optional(IdempotencyKey) })

/** The body of a request that sends a message: without a \`clientId\` it has that of the header, if there is one. */
export function withKey({ body, headers }: Pick<FastifyRequest, 'body' | 'headers'>): object {
  const key = headers['idempotency-key']
  return { ...(typeof key === 'string' && { clientId: bareKey(key) }), ...Object(body) }
}
