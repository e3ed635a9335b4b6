import { type TSchema, Type } from '@sinclair/typebox'
import { Code, CodeRequestId, Email, Phone } from '../../../protocol/accounts/routes.ts'
import type { Me } from '../../../protocol/users/entities.ts'

import type { Actor } from '../../actor.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { type DialectRoute, dialectRoute } from './dialect.ts'
import type { Services } from './services.ts'

const address = { phone: Type.Optional(Phone), phoneNumber: Type.Optional(Phone), email: Type.Optional(Email) }

/**
 * The route by which an app proves an address that its profile names.
 * @param answer its schema
 * @param present the whole answer
 */
export function addressRoute(
  { addresses }: Pick<Services, 'addresses'>,
  answer: TSchema,
  present: (actor: Actor, me: Me) => Promise<unknown>
): DialectRoute {
  return dialectRoute(
    'POST /users/me/verify-otp',
    {
      summary: 'Prove by the code that a phone number or an email of your profile is yours',
      answer,
      body: Type.Object({ ...address, otp: Code, requestId: Type.Optional(CodeRequestId) })
    },
    async ({ actor, body: { phone, phoneNumber = phone, email, otp: code, requestId }, ip }) =>
      await present(
        actor,
        await addresses.prove(actor, { code, ...omitUndefined({ requestId, phone: phoneNumber, email }) }, ip)
      )
  )
}
