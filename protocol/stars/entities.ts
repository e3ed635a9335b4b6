import { type Static, Type } from '@sinclair/typebox'
import { Message } from '../messages/entities.ts'
import { closed, Timestamp } from '../schema.ts'

/** A message that the caller has starred, as it is now. */
export const Star = closed({ message: Message, starredAt: Timestamp })
export type Star = Static<typeof Star>

/** A page of starred messages that the caller still sees, the newest star first; it may hold fewer than asked for. */
export const StarPage = closed({ stars: Type.Array(Star), next: Type.Optional(Type.String()) })
export type StarPage = Static<typeof StarPage>
